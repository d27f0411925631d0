"""Creates, seals, shows, verifies and discards plans of deployments. The stages, in the order in which data flows:

1. Before any change set is created, `name_collisions` finds names of new resources that are already taken.
2. `survey` reads the account's stacks and the input values of one wave: stacks that can be planned together. For
   `make plan`, `read_ahead` makes these calls in advance, in other threads.
3. `propose` creates a change set for one stack, in steps, and returns what it would do as a `PlannedStack`. It creates
   no change set if the stack is certainly unchanged.
4. `wave` runs the proposals of a wave together, and returns one `Plan`. A stack that reads missing values is planned in
   a later wave.
5. `document` defines the plan, finds data that would be lost, and refuses any loss that the user has not allowed.
   `seal` writes and reads the plan with a digest; it also seals the plans of destructions.
6. `text` shows a plan in a terminal, `page` shows it as Markdown, and `web_page` shows it as a static HTML page.
7. `verify` compares a plan with AWS again, and `consistency` compares it with the templates. A plan that differs is
   refused.
8. `discard` deletes the change sets of a plan, and the empty stacks that were created with them.

No module here executes a change set; `runs` does. `document`, `seal`, `text`, `page` and `web_page` do not call AWS.
Secrets are masked before they are stored in a plan.
"""
