"""The table of facts about AWS resource types. Each type has one row, and each service has one file.

The renderer and the deployer share these facts. Each module is named after the service in the type name:
`AWS::RDS::DBInstance` is in `rds`. Code that calls AWS for a type is in `deploy/aws/resource_types`, in a module with
the same name.
"""
