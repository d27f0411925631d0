"""Asks AWS services why a resource failed, one module per service. The modules only read.

Each line that they return contains one fact.
"""
