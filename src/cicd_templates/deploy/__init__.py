"""Deploys rendered files to AWS, and destroys what was deployed.

Reads only `out/`, never the code of a layer, so that what was reviewed is what runs.
"""
