"""A local AWS for demo and tests: a subprocess on the loopback address, and the record of what it cannot build.

What it shows is that templates, order, change sets and values fit together. It is laxer than AWS, so a green deployment
here does not prove that AWS would accept a template.
"""
