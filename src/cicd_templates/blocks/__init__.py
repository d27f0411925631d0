"""Contains the building blocks: functions that return resources or grants, with secure settings as the default.

A block returns one of these:

- a resource
- a few resources that belong together, such as a Lambda function with its role and log group
- a grant for another role; the names of these blocks begin with `may_`

Security settings are part of the block: encryption with the environment's key, TLS, logging and deletion policies. No
argument switches them off. An argument that weakens security must be passed by name, so that a diff shows it. The
function `because` adds the reason for a setting as a comment above the resource in the template.

The caller passes the environment, and all resources and values that the block needs. A block never does
any of these:

- add a resource to a template: only the function `build` of a layer does this
- publish a value for other stacks, or read a value of another stack
- import a layer

Physical names come from `config.naming`. IAM actions are awacs constants, never strings.
"""
