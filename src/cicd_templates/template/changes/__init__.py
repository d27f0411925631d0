"""Says what changes of a stack mean for people and data, for plans and for the review before an approval.

`impact` decides whether a change deletes or replaces a resource that holds data. `masking` removes secrets from all
values that are shown. `duration` returns how long CloudFormation may take. `planned_stack` is the plan of one stack.
Nothing here needs more than the standard library, because the code of a Lambda function contains these modules.
"""
