"""Defines the parts of a layer, such as its template, its IAM statements and the values that stacks exchange.

A layer is a module that builds one CloudFormation template:

    definition.Layer --> build(env) or build(env, service) --> template.LayerTemplate --> render

`definition` says which environments and services have a layer. The `build` of a layer is a pure function: it creates a
`LayerTemplate`, adds the resources that blocks return, reads outputs of other layers and publishes its own outputs.
`outputs` defines a type for each kind of value. So mypy reports an error if, for example, a bucket name is used as a
key ARN. `iam` creates all statements of all policies. `user_layers` loads the layers that the user added.

This package does not call AWS, and its code names no specific layer. `template.stack_graph` derives the order
of stacks from the values that they read, and `render.tagging` sets tags and role paths.
"""
