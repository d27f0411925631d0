"""Finds what prevents the next deployment of an environment, and the AWS commands to repair it. Changes nothing.

`claims` reads the plans and journals on this machine that refer to stacks which were never created. `unsettled_stacks`
reads the stacks from AWS and yields each stack that a person must repair. It gives the stack's status, pending change
sets, drift, names that are taken, and the commands for the repair. `drift` asks CloudFormation to compare deployed
stacks with their templates.

Nothing here runs those commands.
"""
