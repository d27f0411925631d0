"""Creates and describes one change set of one stack.

The modules, in the order in which they are used:
- `rendered_stacks` reads the rendered templates from `out/`; `change_set_request` builds the CreateChangeSet request
  for one of them.
- `unchanged` recognizes, without a change set, that a deployment would change nothing.
- `cloudformation_calls` reads stacks and change sets with all their pages; `ownership` deletes change sets; `events`
  reads a stack's events.
- `drift` asks CloudFormation to compare deployed stacks with their templates. `security_group_rules` recognizes rules
  that other stacks have added to a security group, because these rules are not drift.
- `stack_status_remedies` is the table of all stack statuses: what each command does with a stack in that status.
- `copy_expiry` sets the tag that says when a disposable copy of an environment expires; `aws_commands` formats AWS
  commands for a person to run.

`template.changes` explains what the changes mean, and `plans` combines the results for a whole environment. No module
here executes a change set, uses plans, asks a person or prints.
"""
