"""Plans of deployments: proposed, sealed in a file, shown, verified, discarded. The stages, in the order of the data:

1. `name_collisions` finds names that a stack would create although they are taken, before any change set is made.
2. `propose` makes a change set for one stack, in steps, and returns what it would do as a `PlannedStack`.
3. `wave` drives the proposals of all stacks that can be planned together, and returns one `Plan`. Stacks that read what
   does not exist yet wait for a later wave.
4. `document` has the plan as a value, with the losses of data that it would cause and their refusal; `seal` writes and
   reads it with a digest. The plan of a destruction is sealed by the same module.
5. `text` and `page` show a plan in a terminal and as Markdown.
6. `verify` compares a plan with AWS again, by ARN, and refuses it where anything differs.
7. `discard` deletes the change sets of a plan, and the empty stacks that they made.

No module here executes a change set; that is for `runs`. `document`, `seal`, `text` and `page` call no AWS. Secrets are
masked before they come into a plan.
"""
