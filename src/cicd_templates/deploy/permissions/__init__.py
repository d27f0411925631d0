"""Generates the IAM policies for the principal that deploys an environment, from the rendered templates.

This package does not call AWS.

1. `own_calls` lists the actions that the deployer needs for its own calls.
2. `handler_actions` lists the actions that CloudFormation needs for the resource types in the templates. CloudFormation
uses the permissions of the principal for these actions.
3. `action_resources` restricts each action to the environment's own resources, if IAM allows that.
4. `policies` groups the actions into statements, and the statements into documents that fit IAM's size limit.
"""
