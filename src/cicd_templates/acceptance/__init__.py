"""Proves on somebody's own accounts, or on the local AWS, that what is rendered works: `make acceptance`.

- `check` says what a check is, and what it gets.
- `checks` has the checks, one file for each kind, and their order.
- `project` writes the project that the checks deploy; nothing of the user's own configuration is in it but accounts,
  regions and credentials.
- `commands` runs the commands of this tool in that project, as a user would.
- `run` runs the checks in order; `journal` remembers what is done, so that a run continues after a kill.
- `estimate` says before a run what it makes, for how long, and what it costs; `report` writes what was shown.

The room changes AWS only through the commands, and through what a check makes itself and removes again.
"""
