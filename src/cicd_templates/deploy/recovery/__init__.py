"""What keeps an environment from its next deployment, with the exact command for each stack. Changes nothing.

`claims` reads the plans and journals on this machine and returns who still wants a stack that was never created.
`unsettled_stacks` takes those claims, reads the stacks from AWS, and yields each stack that a person must settle:
its status, pending change sets, drift, and resource names that are taken, with the commands that settle it.

Nothing here runs those commands.
"""
