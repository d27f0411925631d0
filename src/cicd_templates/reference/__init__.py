"""Generates the reference pages in `docs/` from the code that they describe, so the pages cannot be out of date.

- `configuration` describes the models of the configuration, and `lint_rules` describes the lint rules.
- `rollouts` describes the rollouts, with diffs of rendered examples.
- `compliance` lists requirements, with the resources that meet them and the tests that check these resources.
- `documents` inserts generated parts, such as diagrams, between markers in pages that people write.

Every function returns text. `make fmt` writes the text to the pages, and `docs --check` compares it with the pages.
This package does not call AWS, and its texts contain only facts from the code.
"""
