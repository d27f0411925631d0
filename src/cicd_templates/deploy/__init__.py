"""Deploys rendered templates to AWS, and destroys what was deployed.

This package reads only `out/`, never the code that renders it. The reviewed templates are therefore the templates that
are deployed.
"""
