"""Asks AWS services why a resource failed, one module per service. The modules only read.

Each line of a result contains one fact.
"""
