"""Converts `templates/environments.toml` to the environments and names that layers use.

A configuration passes through these modules, in this order:

1. `load` reads the file. Keys of `[environments.<name>.services.<service>]` override the keys of
   `[services.<service>]`.
2. `tables` has a module for each table of the file. The module accepts or refuses each value of its table.
3. `environment` defines the frozen classes `Environment` and `Service`. Their values include all overrides and the
   suffix.
4. `validation` compares tables and environments with each other.
5. `naming` derives every physical name and parameter path from an `Environment`.

`load` collects the problems of all tables and of `validation`, and raises them as one `ConfigurationError`. A user
therefore sees every mistake at once, with its TOML path. `pydantic_messages` rewrites pydantic's errors in terms of
TOML.

This package does not import boto3, troposphere or a layer, does not call AWS, and reads only the configuration file.
The outputs in `provided` and the paths in `patch` depend on the layers, so `render` checks whether they exist.
"""
