"""The reference pages in `docs/`, generated from what they describe, so that they cannot be out of date.

`configuration` and `lint_rules` read the tables and the rules themselves, `rollouts` renders the examples that it
shows, `compliance` lists requirements with the resources and tests that answer them, and `documents` writes the
generated parts, such as the diagrams, between markers into pages that people write. Every function returns text;
`make fmt` writes it, and `docs --check` compares it.

Nothing here calls AWS, and no page says what the code does not.
"""
