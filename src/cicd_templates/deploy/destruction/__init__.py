"""Destroys environments and proves what is left of them. The stages, in the order of the data:

1. `scope` decides what belongs to an environment; `deployed` reads its stacks, those already deleted among them.
2. `unmanaged` and `leftovers` find what no stack owns; `inventory` lists everything, with what happens to it.
3. `guards` refuses before anything is deleted; `plan_file` seals the inventory as a plan and compares it again.
4. `drain` stops pipeline runs and drains services; `order` decides which stack goes when; `deletion` empties and
   deletes one stack, with `repair` after a failed attempt; `execution` runs all of that and records it.
5. `proof` takes the inventory again and explains what is left; `report_file` writes destroy-report.json.
`destroy` runs 4 and 5. `sweep` finds copies that have expired; `reimport` imports what a destruction kept.

Nothing here prints or asks; clients, clocks and reporters are handed in. Nothing is deleted by its name alone: only
what a stack with our tags owns, what such a stack made, and what has our tags itself. Each run reads everything from
AWS again, so nothing is continued from a file.
"""
