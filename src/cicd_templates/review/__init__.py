"""Reads rendered templates and derives what a reviewer must judge, for `REVIEW.md`, `DIFFERENCES.md`, `make review`.

The templates are `StackTemplate` objects, from memory, from `out/` or from a git revision. `reviewed_stacks` reads each
template once, and adds its IAM statements with typed principals. It also adds a `Formatter`, which writes values for a
reviewer, and which knows the names in all stacks. Each module then answers one question: who may do what
(`access_matrix`), who reaches an environment (`external_access`), what the internet reaches (`exposure`), where data is
stored (`stateful_resources`), which tasks use a resource (`service_resources`), what is monitored (`alarms`), what is
billed (`billing`) and what is only an example (`placeholders`). `environment_page` and `differences_page` put the
answers on pages. `changes`, `access_changes` and `changes_page` compare two sets of templates.

Nothing here imports troposphere or a layer, and nothing calls AWS. Each module decides on typed values, and formats the
text for the reviewer as the last step.
"""
