"""Finds what prevents the next deployment of an environment, with the exact command for each stack. Changes nothing.

`claims` reads the plans and journals on this machine that still refer to stacks which were never created.
`unsettled_stacks` takes these claims, reads the stacks from AWS, and yields each stack that a person must repair:
its status, pending change sets, drift, and resource names that are taken, with the commands that repair it.

Nothing here runs those commands.
"""
