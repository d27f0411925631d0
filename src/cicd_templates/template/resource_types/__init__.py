"""What is known of AWS resource types: one row a type, one file a service. Pure facts that both halves share.

The modules are named after the service's part of the type name: `AWS::RDS::DBInstance` is in `rds`. What calls AWS for
a type is in `deploy/aws/resource_types`, under the same names.
"""
