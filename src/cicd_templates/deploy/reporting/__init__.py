"""Reports deployments and destructions: defines events, and three reporters that show them.

A run passes each event to a `Reporter`. `report` defines the events and the reporters. They show tables and live lines
on a terminal, plain lines in a log, or one JSON object per line. `inventory_items` defines the items that a destruction
reports: the resources of an environment, and those that are left afterwards.

A reporter makes no decisions, asks no questions and does not call AWS.
"""
