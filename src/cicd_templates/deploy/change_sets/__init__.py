"""One change set of one stack: its request, CloudFormation's answer, and what each change means. Executes none.

In the order of the data:
- `stacks` reads the rendered templates from `out/`; `request` turns one into the arguments of CreateChangeSet.
- `api` reads stacks and change sets with all their pages, and deletes change sets; `events` reads a stack's events.
- `impact` says of each change whether it deletes or replaces a resource that holds data; `policy_diff` says what the
  change grants and withdraws; `duration` says how long CloudFormation may take for it.
- `stack_states` is the total table of stack statuses: what each verb does with a stack in that status.
- `expiry` dates a disposable copy by a tag; `aws_commands` writes the AWS commands that a person runs.

`plans` puts the results together for a whole environment. Nothing here knows a plan, asks a person or prints.
"""
