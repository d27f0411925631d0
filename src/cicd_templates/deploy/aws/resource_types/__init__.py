"""Contains the operations on AWS resource types, in one module per AWS service, named as in `template/resource_types`.

`operations` defines which operations a resource type can have. `registry` lists the operations of all types. The module
of a service only calls AWS and makes no decisions.
"""
