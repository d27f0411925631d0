"""Compares several values of a configuration. Each module has the checks of one subject.

`config.tables` checks each value separately. The checks in this package compare two values, two tables or two
environments. They find combinations of values that make AWS refuse a deployment, make a deployment hang, or give two
resources the same name.

`validate.all_problems` calls the generators of these modules one after the other. Each generator yields all problems
that it finds, not only the first. A generator raises no exception, changes no value and reads no file.
"""
