"""What can be done with AWS resource types: one module a service, named as in `template/resource_types`.

`operations` has the shape of a row, `registry` all rows. A service's module calls AWS and decides nothing.
"""
