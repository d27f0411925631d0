"""Turns `templates/environments.toml` into the environments and names that layers use.

A configuration passes through these modules, in this order:

1. `load` reads the file. Keys of `[environments.<name>.services.<service>]` override the keys of
   `[services.<service>]`.
2. `tables` has a module per table, which accepts or refuses each value.
3. `environment` has the frozen `Environment` and `Service` values, with every override and suffix applied.
4. `validation` compares tables and environments with each other.
5. `naming` derives every physical name and parameter path from an `Environment`.

`load` collects the problems of all tables and of `validation`, and raises them as one `ConfigurationError`. A user
therefore sees every mistake at once, with its TOML path. `pydantic_messages` rewrites pydantic's errors in terms of
TOML.

Nothing here imports boto3, troposphere or a layer, calls AWS, or reads a file other than the configuration. `render`
checks whether the outputs in `provided` and the paths in `patch` exist, because that depends on the layers.
"""
