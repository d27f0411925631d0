"""Executes the plans of one environment in dependency order, and keeps a record of the operations under way.

The modules, in the order in which data flows through them:

- `deployment` has one function for each command: plan, deploy, execute a plan, discard plans. Each function locks the
  journal.
- `engine` keeps one record per stack. It performs each step that `next_step` returns, and records the outcome.
- `next_step` is the decision table. It is a pure function of the records, and does not call AWS.
- `approval` shows a plan, checks it and asks the user. It then writes the plan to a file, reads the file back and
  compares it with AWS.
- `operations` uses `execute` to start operations and `watch` to poll them, and reports their events and results.
- `journal` is the file in which a run records what it is about to do. After an interruption, the next run continues.
- `status` reads the status of the stacks of an environment for `make status`. A run does not use this module.

A run executes only change sets of an approved plan. This package never prints anything or asks the user directly: the
caller passes a reporter and a function that asks for confirmation.
"""
