"""Contains the building blocks: functions that return resources or grants, with secure settings as the default.

    configuration and naming --> blocks --> resources --> a layer's `build`, which alone adds them to a template

A block takes the environment, and the resources and typed values that it needs. It returns one resource, a few
resources that belong together (such as a function with its role and log group), or a grant for another role
(`may_...`).

Security settings are part of the block: encryption with the environment's key, TLS, logging and deletion policies. No
argument switches them off. An argument that weakens security must be passed by name, so that a diff shows it. The
function `because` adds the reason for a setting as a comment above the resource in the template.

A block does not add resources to a template, and does not read or publish values between stacks. It does not import any
layer: the caller passes all resources and values that the block needs. Physical names come from `config.naming`, and
IAM actions are awacs constants, never strings.
"""
