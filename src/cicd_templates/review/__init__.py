"""Reads rendered templates and derives the facts for a reviewer: `REVIEW.md`, `DIFFERENCES.md` and `make review`.

The templates are `StackTemplate` objects, from memory, from `out/` or from a git revision. `reviewed_stacks` adds two
things to each template: its IAM statements, with typed principals, and a `Formatter`. The formatter writes values for a
reviewer, and knows the physical names of the resources in all stacks.

Each of these modules answers one question:

- `access_matrix`: who may do what?
- `external_access`: who can access an environment?
- `exposure`: what can the internet reach?
- `stateful_resources`: where is data stored?
- `service_resources`: which tasks use a resource?
- `alarms`: what is monitored?
- `billing`: what is billed?
- `placeholders`: which values are only examples?

`environment_page` and `differences_page` put the answers on pages. `changes`, `access_changes` and `changes_page`
compare two sets of templates.

No module of this package calls AWS, or imports troposphere or a layer. Each module makes its decisions with typed
values, and formats the text for the reviewer as the last step.
"""
