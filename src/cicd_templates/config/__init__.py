"""The configuration: from `templates/environments.toml` to the environments and names that layers use.

The flow is TOML -> `load`, which reads the file and applies `[environments.<name>.services.<service>]` over
`[services.<service>]` -> `tables`, a module per table, which accept or refuse each value -> `environment`, frozen
`Environment` and `Service` values with every override and suffix applied -> `validation`, which compares tables and
environments with each other -> `naming`, which spells every physical name and parameter path from an `Environment`.

`load` collects the problems of all tables and of `validation` and raises them as one `ConfigurationError`, so a user
sees every mistake at once, with its TOML path. `messages` words what pydantic refuses.

Nothing here imports boto3, troposphere or a layer, calls AWS, or reads a file other than the configuration. Whether an
output in `provided` or a path in `patch` exists depends on the layers, so `render` checks it.
"""
