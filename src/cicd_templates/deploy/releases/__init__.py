"""Releases: hand the source and the reviewed templates to the pipeline, and follow the run that starts.

`commits` reads a commit of the application's git work tree, and never a file that is not committed. `archives` makes
zips of the source and of the templates, whose bytes depend on their content alone. `handover` publishes the templates
and knows which stacks the pipeline deploys. `release` uploads the source and follows the run of the pipeline to its
end. `secrets` gives a secret its value without showing it.

Nothing here changes a stack: the pipeline does, or `runs`.
"""
