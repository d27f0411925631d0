"""The calls to AWS that every room of the deployer shares. Decides nothing and prints nothing.

- `clients` makes the clients of one environment's account, or of the local AWS.
- `retry` repeats a call that failed for a moment; `polling` waits until something is so, up to a limit.
- `resource_types` has the operations of each resource type: find, describe, empty and delete one.
- `lookup` asks whether a resource of some type and name exists.
"""
