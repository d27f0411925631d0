"""Finds what prevents the next deployment of an environment, and the exact commands to repair it. Changes nothing.

`claims` reads the plans and journals on this machine that still refer to stacks which were never created.
`unsettled_stacks` takes these claims, reads the stacks from AWS, and yields each stack that a person must repair. For
each it gives the status, pending change sets, drift, resource names that are taken, and the commands for the repair.

Nothing here runs those commands.
"""
