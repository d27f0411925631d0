"""What a layer is made with: its definition, its template while it is built, IAM statements, values between stacks.

    discovery --> definition.Layer --> build(env) or build(env, service) --> template.LayerTemplate --> render

`definition` says which environments and services have a layer. Its `build` is a pure function: it makes a
`LayerTemplate`, adds the resources that blocks return, reads the outputs of other layers and publishes its own.
`outputs` holds the types of those values, so that mypy refuses a bucket's name where a key's ARN belongs. `iam` makes
every statement of every policy. `discovery` finds the layers of the project's `templates/`, the user's own among them.

Nothing here knows a layer by name, decides the order of stacks (`template.links` derives it from what is read), sets
tags or role paths (`render.tagging` does), or calls AWS.
"""
