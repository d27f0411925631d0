"""Executes the plans of one environment in dependency order, and records which operations are under way.

In the order in which data flows:

- `deployment` has the entry points of the commands: plan, deploy, execute a plan, discard plans. It locks the journal.
- `engine` keeps one record per stack, asks `next_step` what to do, does it, and records the outcome.
- `next_step` is the decision table: a pure function of the records that does not call AWS.
- `approval` shows a plan, checks it, asks the user, writes the plan, reads it back and compares it with AWS.
- `operations` starts each operation with `execute`, polls all of them with `watch`, and reports events and results.
- `journal` is the file in which a run writes what it is about to do, so that the next run can continue it.
- `status` reads the status of the stacks of an environment; it takes no part in a run.

A run executes only change sets of an approved plan. It never prints or asks itself: the caller passes a reporter and a
function that asks for confirmation.
"""
