"""The example service: takes payments, remembers nothing, and says whether it is well."""
