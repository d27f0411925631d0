"""Finds out what prevents the next deployment of an environment, and which commands repair it. Changes nothing.

- `unsettled_stacks` reads the stacks from AWS and yields each stack that a person must repair, with the reason and the
  repair commands. Reasons are, for example, a failed rollback, drift, or a resource name that is already taken.
- `claims` finds unfinished work on this machine: plans that were not executed, and interrupted runs. It also returns
  the commands that continue or discard this work.

This package does not run any of these commands.
"""
