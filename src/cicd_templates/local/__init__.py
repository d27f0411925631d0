"""A local AWS for the demo, rehearsals and tests: one subprocess on the loopback address.

The subprocess is called the engine. It is a program of another project. This package adds features that the engine
lacks.

1. `engine_process.start` starts `engine_entry_point.py` in the engine's own virtual environment, on a free port of
   127.0.0.1, with a private folder and none of the caller's environment variables; `engine_process.stop` ends it and
   removes the folder.
2. `engine_entry_point` adds these features, then starts the engine: resource types that are only recorded
   (`recorded_types`), event targets, the image registry and CodePipeline's job API (`event_targets`, `image_registry`,
   `codepipeline`), and AWS's behaviour in IAM (`caller_identity`, `condition_keys`, `encryption`, `request_resources`,
   `iam_decisions`).
3. `engine_state_file` remembers the engine of `make local`, for later commands.

The modules that the entry point imports run in the engine's interpreter, so they may only import the standard library
and the engine. Both processes share state through files in the engine's folder. Nothing here uses the network.

A deployment to the local AWS shows that templates, order, change sets and values fit together. The local AWS is less
strict than AWS, so it does not prove that AWS would accept a template.
"""
