"""Finds out what prevents the next deployment of an environment, and which commands repair it. Changes nothing.

- `unsettled_stacks` reads the stacks from AWS and yields each stack that a person must repair. Each result has the
  stack's status, pending change sets and drift, resource names that are already taken, and the repair commands.
- `claims` finds the plans and interrupted runs on this machine that still need a stack, and the commands that continue
  or discard these plans and runs.

This package does not run any of these commands.
"""
