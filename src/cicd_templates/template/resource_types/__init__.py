"""The table of facts about AWS resource types. The renderer and the deployer use it.

Each resource type has one row. The rows of an AWS service are in one module, which is named after the service in the
type name: `AWS::RDS::DBInstance` is in `rds`. The code that calls this service is in the module of the same name in
`deploy/aws/resource_types`.
"""
