"""Checks that compare several values of a configuration, one module per subject.

A table checks each of its values alone (`config.tables`). A check that needs two values, two tables or two environments
is here. These checks find values that AWS refuses together, that make a deployment hang, or that give two resources the
same name. `validate.all_problems` calls every subject in turn. Each subject is a generator that yields all its
problems. It does not stop at the first one, and does not raise, change a value or read a file.
"""
