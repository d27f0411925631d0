"""Generates the reference pages in `docs/` from the code that they describe, so the pages cannot be out of date.

- `configuration` reads the models of the configuration, and `lint_rules` reads the lint rules.
- `rollouts` renders the examples that it shows.
- `compliance` lists requirements, with the resources that meet them and the tests that check these resources.
- `documents` writes the generated parts, such as the diagrams, between markers into pages that people write.

Every function returns text. `make fmt` writes the text to the pages, and `docs --check` compares it with them. Nothing
here calls AWS, and the pages contain only facts from the code.
"""
