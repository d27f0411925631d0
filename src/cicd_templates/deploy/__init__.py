"""Deploys rendered templates to AWS, and destroys deployed environments.

This package reads only `out/`, never the code that renders it. The reviewed templates are therefore the templates that
are deployed.
"""
