"""Turns the configuration and the layers into the reviewed files of `out/`.

layers --> tagging --> patching --> template_text --> render (checks the links, derives the order) --> out_folder

1. `render` builds each layer for each environment and service. 2. `tagging` puts tags on every taggable resource, and
the permissions boundary and the path on every role. 3. `patching` sets the values that the configuration patches, each
with its reason. 4. `template_text` orders the keys and writes the YAML or JSON, with a header and the reasons as
comments. 5. `equal_names` refuses two resources with one physical name, in all environments together. 6. `review_pages`
writes the pages that a reviewer reads first; `github_workflow` writes workflows to copy. 7. `out_folder` compares the
files with the folder, or replaces those that changed, and lists their checksums.

Pure and offline: no AWS, no clock, no randomness; only `out_folder` writes, and only below the folder that it is given.
The same configuration always gives the same bytes.
"""
