"""The reference pages in `docs/`. They are generated from the code that they describe, so they cannot be out of date.

- `configuration` reads the models of the configuration, and `lint_rules` reads the lint rules.
- `rollouts` renders the examples that it shows.
- `compliance` lists requirements, with the resources that meet them and the tests that check this.
- `documents` writes the generated parts, such as the diagrams, between markers into pages that people write.

Every function returns text. `make fmt` writes it, and `docs --check` compares it. Nothing here calls AWS, and the pages
state only what the code says.
"""
