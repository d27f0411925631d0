"""Defines the tables of `templates/environments.toml`, one module per table.

A module contains a table's pydantic model, which gives every key a type, a default and a description. It also contains
the field types that only this table uses. `table` has the base class of all models. `field_types`, `cron_field_types`
and `network_field_types` have the field types that several tables share. `docs/configuration.md` is generated from the
models, so every field needs a description.

A model checks only its own table. It does not read files and does not compare its table with other tables;
`config.validation` does that.
"""
