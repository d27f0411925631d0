"""What the values of a configuration must agree on, a module per subject.

A table accepts or refuses a value by itself (`config.tables`). What needs two values, two tables or two environments is
checked here: values that AWS refuses together, that make a deployment hang, or that give two things one name.
`validate.all_problems` asks every subject in turn. Each subject is a generator that yields all its problems and never
stops at the first; none raises, changes a value or reads a file.
"""
