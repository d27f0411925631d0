"""Asks AWS services why a resource failed. Each module asks one service, and changes nothing.

The modules return lines of text, and each line contains one fact.
"""
