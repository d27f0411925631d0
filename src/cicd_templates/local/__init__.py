"""Runs a local AWS for the demo, rehearsals and tests: one subprocess on the loopback address.

The subprocess is a program from another project and is called the engine. This package adds features to it.

1. `engine_process.start` starts `engine_entry_point.py` in the engine's own virtual environment, on a free port of
   127.0.0.1. The process gets a private folder and none of the caller's environment variables. `engine_process.stop`
   ends the process and removes the folder.
2. `engine_entry_point` adds features, then starts the engine. These are some of the features:

   - `recorded_types`: resource types that the engine records but does not simulate
   - `event_targets`: the targets of event rules
   - `image_registry`: the image registry
   - `codepipeline`: requests about pipeline runs
   - `iam_decisions`: IAM decisions like those of AWS

3. `orphans` watches the engine. If the command that started the engine is killed, `orphans` ends the engine. The engine
   serves no requests until the watch begins. If the command is killed before the watch begins, the engine ends itself.
4. `engine_state_file` stores how later commands can reach the engine that `make local` has started.

The modules that the entry point imports run in the engine's interpreter, so they may import only the standard library
and the engine. The engine and the calling program share state through files in the engine's folder. Nothing in this
package uses the network.

A deployment to the local AWS shows that the templates, their order, the change sets and the values fit together. It
does not prove that AWS would accept a template, because the local AWS is less strict than AWS.
"""
