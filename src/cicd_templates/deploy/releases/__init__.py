"""Releases: hand the source and the reviewed templates to the pipeline, and follow the run that starts.

`commits` reads a commit of the application's git work tree, and never reads an uncommitted file. `archives` makes
reproducible zips of the source and of the templates. `pipeline_handover` publishes the templates and knows which stacks
the pipeline deploys. `release` uploads the source and follows the pipeline run until it ends. `secrets` sets the value
of a secret without showing it.

Nothing here changes a stack: only the pipeline and `runs` do.
"""
