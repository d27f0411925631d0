"""Takes environments down and proves what is left: look, order, empty, delete, mend, look again.

Nothing here asks or prints. What is deleted is what stacks with our tags own, what such stacks made beside themselves,
and what has our tags itself; a name alone is never enough.
"""
