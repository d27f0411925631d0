"""Creates, seals, shows, verifies and discards plans of deployments. The stages, in the order in which data flows:

1. Before any change set is created, `name_collisions` finds names of new resources that are already taken.
2. A wave is a set of stacks that can be planned together. `survey` reads the account's stacks and the input values of
   one wave. For `make plan`, `read_ahead` begins to read them earlier, in other threads.
3. `propose` creates a change set for one stack, and returns the changes as a `PlannedStack`. For a stack that is
   certainly unchanged, no change set is created.
4. `wave` proposes all stacks of a wave, and returns one `Plan`. A stack that reads missing values waits for a later
   wave.
5. `document` defines the plan, and refuses every loss of data that the user has not allowed. `seal` writes the plan
   with a digest, and reads it again.
6. `text` shows a plan in a terminal, `page` shows it as Markdown, and `web_page` shows it as a static HTML page.
7. `verify` refuses a plan that no longer fits the stacks in AWS, and `consistency` finds differences from the
   templates.
8. `discard` deletes the change sets of a plan, and the empty stacks that were created with them.

Change sets are executed only in the package `runs`. `document`, `seal`, `text`, `page` and `web_page` do not call AWS.
Secrets are masked before they are stored in a plan.
"""
