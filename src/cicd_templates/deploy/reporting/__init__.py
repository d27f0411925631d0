"""What deployments and destructions report: events as values, and the three ways in which they are shown.

A run hands each event to a `Reporter`. `report` defines the events and shows them: as tables and a live line on a
terminal, as plain lines in a log, or as one JSON object a line. `inventory_items` holds the rows of a destruction:
what an environment contains, and what is left of it afterwards.

A reporter decides nothing, asks nothing and calls no AWS.
"""
