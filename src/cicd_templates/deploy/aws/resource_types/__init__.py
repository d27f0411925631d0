"""The operations on AWS resource types: one module per service, named as in `template/resource_types`.

`operations` defines what the entry of a resource type contains; `registry` collects the entries of all types. The
module of a service calls AWS and decides nothing.
"""
