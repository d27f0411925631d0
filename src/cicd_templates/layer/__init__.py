"""The parts of a layer: its definition, its template, IAM statements, and values that stacks read from each other.

A layer is a module that builds one CloudFormation template:

    definition.Layer --> build(env) or build(env, service) --> template.LayerTemplate --> render

`definition` says which environments and services have a layer. The `build` of a layer is a pure function: it creates a
`LayerTemplate`, adds the resources that blocks return, reads outputs of other layers and publishes its own outputs.
`outputs` defines a type for each kind of value. So mypy reports, for example, the use of a bucket name as a key ARN.
`iam` creates all statements of all policies. `user_layers` loads the layers that the user added.

Nothing here calls AWS or depends on the name of a layer. `template.stack_graph` derives the order of stacks from the
values that they read, and `render.tagging` sets tags and role paths.
"""
