"""Runs: execute the plans of one environment in dependency order, and remember what is under way.

In the order of the data:
- `deployment` is what the verbs call: plan, deploy, execute a plan, discard plans. It holds the journal meanwhile.
- `engine` keeps one record per stack, asks `next_step` what to do, does it, and records the outcome.
- `next_step` is the decision table: a pure function of the records, which calls no AWS.
- `approval` shows a plan, applies the guards, asks the person, writes the plan, reads it back and compares it with AWS.
- `operations` begins each operation by `execute`, polls all of them by `watch`, and reports their events and ends.
- `journal` is the file in which a run writes what it is about to do, so that the next run can continue it.
- `status` reads how the stacks of an environment stand; it takes no part in a run.

A run executes only a change set that belongs to an approved plan. It prints nothing and asks nobody itself: the
reporter and the question are handed in.
"""
