"""Releases: the source and the reviewed templates, handed to the pipeline, and the run that follows."""
