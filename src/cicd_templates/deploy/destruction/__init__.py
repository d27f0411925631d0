"""Destroys environments and explains what is left of them. The stages, in the order in which data flows:

1. `scope` decides what belongs to an environment. `deployed_stacks` reads its existing and deleted stacks.
2. `unmanaged` and `removal_commands` find resources that no stack owns. `inventory` lists all resources and says what
   happens to each of them.
3. `guards` refuses a destruction that must not begin. `plan_file` seals the inventory as a plan, and later compares the
   plan with the account.
4. `drain` stops pipeline runs and scales ECS services to zero. `deletion_order` decides the order in which stacks are
   deleted. `deletion` empties and deletes one stack, and calls `deletion_blockers` after a failed attempt. `execution`
   runs these modules and records each deletion.
5. `remainders` takes the inventory again and explains what is left. `report_file` writes destroy-report.json.

`destroy` runs steps 4 and 5. `sweep` finds copies that have expired. `reimport` imports what a destruction kept.

No module here prints or asks a question; the caller passes clients, clocks and reporters. Each run reads everything
from AWS again, so it does not depend on a file of an earlier run.

A matching name is not enough to delete a resource. One of these must have the tags of this tool: the resource, the
stack that owns it, or the stack that created it.
"""
