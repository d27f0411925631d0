"""Contains the operations on AWS resource types, such as finding and deleting a resource.

`operations` defines which operations a resource type can have. `registry` lists the operations of all types. Each other
module is for one AWS service, and has the same name as in `template/resource_types`. It calls AWS and decides nothing.
"""
