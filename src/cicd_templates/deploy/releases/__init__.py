"""Gives an application's source and the reviewed templates to the pipeline, and follows the pipeline run.

- `commits` reads committed files from the application's git work tree. `archives` makes reproducible zips of the source
  and of the templates.
- `pipeline_handover` uploads the templates and decides which stacks only the pipeline deploys.
- `release` uploads the source and follows the pipeline run until it ends.
- `secrets` sets the value of a secret without showing it.
- `signed_releases` finds the signed statements about a release, and `evidence_folder` writes the evidence of the
  release into a folder.

This package changes no stack. Only the pipeline and `deploy.runs` change stacks.
"""
