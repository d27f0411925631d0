"""The IAM policies of a principal that deploys an environment. Reads the rendered templates; calls no AWS.

1. `own_calls` lists the actions behind the calls that the deployer makes itself.
2. `handlers` lists the actions that CloudFormation calls on the principal's behalf, by the types in the templates.
3. `scopes` restricts each action to the environment's own resources where IAM allows that.
4. `policies` groups the actions into statements, and the statements into documents within IAM's size limit.
"""
