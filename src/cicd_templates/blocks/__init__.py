"""Contains the building blocks: functions that return resources or grants, with secure settings as the default.

A block is called with the environment, and with other resources and typed values. A block returns one of these:

- a resource
- a few resources that belong together, such as a function with its role and log group
- a grant for another role; the names of these blocks begin with `may_`

Security settings are part of the block: encryption with the environment's key, TLS, logging and deletion policies. No
argument switches them off. An argument that weakens security must be passed by name, so that a diff shows it. The
function `because` adds the reason for a setting as a comment above the resource in the template.

A block does not add resources to a template: only the function `build` of a layer does. A block does not read or
publish values between stacks, and does not import any layer: the caller passes all resources and values that the block
needs. Physical names come from `config.naming`, and IAM actions are awacs constants, never strings.
"""
