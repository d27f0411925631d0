"""Defines the tables of `templates/environments.toml`, one module per table.

Each module contains the pydantic model of its table, and the field types that only this table uses. The field types
that several tables share are in `field_types`, `cron_field_types` and `network_field_types`. The base class of all
models is in `table`.

A model gives every key a type, a default and a description. `docs/configuration.md` is generated from the models, so
every key needs a description.

A model checks only its own table. It does not read files and does not compare its table with other tables;
`config.validation` does that.
"""
