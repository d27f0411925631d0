"""Deploys rendered templates to AWS, and destroys what was deployed.

It reads only `out/`, never the code that renders it. What was reviewed is therefore what is deployed.
"""
