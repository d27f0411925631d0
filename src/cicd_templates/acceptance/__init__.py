"""Proves that the rendered templates and the commands work, on the user's own accounts or on the local AWS.

`make acceptance` starts such a run.

- `check` defines a check and its context.
- `checks` contains the checks, one file for each kind, and their order.
- `project` writes the project that the checks deploy. Of the user's configuration, it has only accounts, regions and
  credentials.
- `roles` creates the roles with which the commands run, and removes them.
- `orders` sends requests to the application, as its clients do.
- `commands` runs the commands of this tool in that project, as a user would.
- `run` runs the checks in order. `journal` records the finished checks, so that a killed run can continue.
- `estimate` says before a run what the run creates, how long it takes and what it costs. `report` writes the results.

A run changes AWS through the commands. Checks also make direct changes, of these kinds: they create certificates and
roles and remove them again, change the retention of a log group and reset it, set the state of alarms, approve,
reject or stop executions of the run's pipeline, put an object into the bucket of the caches, and remove the termination
protection of production before its destruction.
"""
