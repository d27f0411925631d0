"""Makes the IAM policies of a principal that deploys an environment. Reads the rendered templates; calls no AWS.

1. `own_calls` lists the actions that the deployer needs for its own calls.
2. `handler_actions` lists the actions that CloudFormation needs for the resource types in the templates, on behalf of
   the principal.
3. `action_resources` restricts each action to the environment's own resources where IAM allows that.
4. `policies` groups the actions into statements, and the statements into documents that fit IAM's size limit.
"""
