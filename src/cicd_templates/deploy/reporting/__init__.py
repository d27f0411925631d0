"""Reports deployments and destructions: defines events, and three reporters that show them.

- `report` defines the events and the reporters. A run passes each event to a `Reporter`. One reporter shows tables and
  live lines on a terminal, one writes plain lines to a log, and one writes one JSON object per line.
- `inventory_items` defines the items that a destruction reports: the resources of an environment, and the resources
  that are left after the destruction.

A reporter makes no decisions, asks no questions and does not call AWS.
"""
