"""Turns the configuration and the layers into the reviewed files of `out/`.

layers --> tagging --> patching --> template_text --> render (checks the links, derives the order) --> out_folder

1. `layer_rendering` builds each layer for each environment and service. If there are many stacks, it uses several
   processes (module `processes`). `stack_rendering` runs steps 2 to 4 for each template. `template_store` stores the
   results.
2. `tagging` puts tags on every taggable resource, and the permissions boundary and the path on every role. `plain_data`
   turns the objects of troposphere into dicts and lists, and `key_order` puts the keys of these dicts in order.
3. `patching` sets the values that the configuration patches, each with its reason.
4. `template_text` writes the YAML or JSON, with a header and with the reasons as comments.
5. `equal_names` refuses resources with the same physical name, across all environments.
6. `review_pages` writes the pages that a reviewer reads first. `github_workflow` writes workflows that a user can copy.
7. `out_folder` compares the new files with those in `out/`, or replaces the changed ones. It also writes the checksums.
8. `last_render` records the inputs of a run, so that an unchanged project is not rendered again. `service_record`
   records the parts of the review pages, so that only the stacks of changed services are rendered again.

Rendering uses no AWS, no clock and no randomness, so the same configuration always gives the same bytes. `out_folder`
writes only below its folder, and the records are in `.state/`.
"""
