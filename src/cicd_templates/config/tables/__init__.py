"""The tables of `templates/environments.toml`, a module per table: what a user may write there.

A module holds a table's pydantic model, with a type, a default and a description of every key, and the field types that
the table alone uses. `table` has the base class of all models, `fields` the field types that several tables share,
`cron` and `network` those that belong to one subject. `docs/configuration.md` is generated from the models, so every
field needs a description.

A model knows its own table alone: it reads no file and does not compare itself with others; `config.validation` does.
"""
