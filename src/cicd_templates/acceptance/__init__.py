"""Contains checks that prove that the rendered templates and the commands work.

`make acceptance` runs these checks on the user's own accounts or on the local AWS.

- `check` defines a check and its context.
- `checks` contains the checks, one file for each kind, and their order.
- `project` writes the project that the checks deploy. From the user's configuration, it takes nothing but accounts,
  regions and credentials.
- `roles` creates and removes the roles that the commands use.
- `orders` sends requests to the application, as its clients do.
- `commands` runs the commands of this tool in that project, as a user would.
- `run` runs the checks in order. `journal` records the finished checks, so that a killed run can continue.
- `estimate` shows, before a run, what the run will create, how long it will take and what it will cost. `report` writes
  the results.

The commands make most of the run's changes in AWS. The checks themselves make only these changes:

- They create certificates and roles, and remove them again.
- They change the retention of a log group, and reset it.
- They set the state of alarms.
- They approve, reject or stop executions of the run's pipeline.
- They put an object into the bucket of the caches.
- They remove the termination protection of production before its destruction.
"""
