"""The facts about AWS resource types: one row per type, one file per service.

The renderer and the deployer share these facts. Each module is named after the part of the type name that names the
service: `AWS::RDS::DBInstance` is in `rds`. Code that calls AWS for a type is in `deploy/aws/resource_types`, in a
module of the same name.
"""
