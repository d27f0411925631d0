"""Gives an application's source and the reviewed templates to the pipeline, and follows the pipeline run.

`commits` reads a commit of the application's git work tree, never an uncommitted file. `archives` makes reproducible
zips of the source and of the templates. `pipeline_handover` uploads the templates and knows which stacks the pipeline
deploys. `release` uploads the source and follows the pipeline run until it ends. `secrets` sets the value of a secret
without showing it. `signed_releases` finds what the signer has signed about a release, and `evidence_folder` writes it
into a folder.

Nothing here changes a stack. Stacks are changed only by the pipeline and by `deploy.runs`.
"""
