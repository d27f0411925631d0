"""Destroys environments and explains what is left of them. The modules do this in five steps:

1. `scope` decides what belongs to an environment. `deployed_stacks` reads the existing and the deleted stacks.
2. `unmanaged` and `removal_commands` find resources that no stack owns. `inventory` lists all resources and says what
   happens to each of them.
3. `guards` refuses a destruction that must not begin. `plan_file` seals the inventory as a plan, and later compares the
   plan with the account.
4. `execution` runs this step and records each deletion:
   - `drain` stops pipeline runs and scales ECS services to zero.
   - `deletion_order` decides the order in which stacks are deleted.
   - `deletion` empties and deletes one stack. If that fails, `deletion_blockers` finds out why.
5. `remainders` takes the inventory again and explains what is left. `report_file` writes destroy-report.json.

`destroy` runs steps 4 and 5. Two modules belong to no step: `sweep` finds expired copies of environments, and
`reimport` imports the kept resources into new stacks.

No module here prints or asks a question; the caller passes clients, clocks and reporters. Each run reads everything
from AWS again, so it does not depend on a file of an earlier run.

A resource is deleted only if the tags of this tool are on the resource, on the stack that owns it, or on the stack that
created it. A matching name is not enough.
"""
