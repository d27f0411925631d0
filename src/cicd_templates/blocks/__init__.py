"""Building blocks: functions that return resources, or grants, which are secure as they come.

    configuration and naming --> blocks --> resources --> a layer's `build`, which alone adds them to a template

A block takes the environment, the resources and the typed values that it needs, and returns one resource, the few that
belong together (a function with its role and log group), or a `Grant` for the role of somebody else (`may_...`).

What makes a resource safe is part of its block and has no switch: encryption with the environment's key, TLS, logging,
deletion policies. Whatever weakens it is a named argument, so that it shows in a diff, and `because` puts AWS's reason
above the resource.

A block does not add to a template, does not read or publish values between stacks and knows no layer: whoever calls it
hands in what it refers to. It spells no physical name itself (`config.naming` does) and no IAM action as a string.
"""
