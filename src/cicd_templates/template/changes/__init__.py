"""Describes how the changes of a stack affect people and data, in plans and in the review before an approval.

`impact` decides whether a change deletes or replaces a resource that holds data. `masking` removes secrets from all
values that are shown. `duration` returns how long CloudFormation may take. `planned_stack` defines the plan of one
stack. These modules use only the standard library, because they are also part of the code of a Lambda function.
"""
