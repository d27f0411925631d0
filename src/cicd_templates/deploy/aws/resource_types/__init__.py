"""The operations on AWS resource types: one module per AWS service, named as in `template/resource_types`.

`operations` defines which operations a resource type can have. `registry` lists the operations of all types. The module
of a service calls AWS and decides nothing.
"""
