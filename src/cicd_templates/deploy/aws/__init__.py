"""Contains the calls to AWS that all packages of the deployer share. Decides nothing and prints nothing.

- `clients` creates the boto3 clients for an environment's account or for the local AWS. `service_models` loads
  botocore's models of the services.
- `readers` makes read-only calls in parallel threads.
- `retry` repeats calls that failed with a transient error; `polling` waits for a condition, up to a time limit.
- `resource_types` has the operations of each resource type: find, describe, empty and delete a resource.
- `existing_resources` looks up whether a resource with a given type and name exists.
"""
