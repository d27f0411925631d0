"""The source of the Lambda functions. The rendered templates contain this source inline.

- `scan_gate` decides whether a release may continue. Its module `handler` fetches the artifacts of all checks.
  `formats` reads their reports, and `policy` reads the accepted risks. `decide` makes the decision, and `summary` and
  `findings` describe the decision.
- `review` describes change sets to an approver. `approval_check` stops a stage that would execute change sets
  that were not approved. These two functions use `reviewed_change_sets`, which identifies change sets, and
  `approval_records`, which stores them as evidence.
- `sign` signs statements about a release and about its deployments. `deployed_release` and `alarm_states` examine the
  deployments. `release_statements` writes the statements in the format of `evidence_format`, and `dockerfile_images`
  finds the base images of the release.
- `verify_image` and `smoke` approve a deployment on behalf of ECS. `migrate` runs the migration of a release.
  `database_users` creates the users of databases.
- `pipeline_jobs`, `job_failures`, `role_clients` and `transient_errors` are shared by several functions.
- `measure` and `stuck` publish metrics about pipeline runs. `rotation` deploys a service again when a secret changes.

`cicd_templates.blocks.inlined_modules` joins a function and the modules of this package that it imports into one source
text. `cicd_templates.blocks.inlined_scan_gate` does this for the modules of the scan gate that a service needs. `make
gate` runs the same modules of the gate locally.

The source is ASCII. A function imports only the standard library, boto3 and modules of this package. It answers its
caller exactly once, and refuses every unexpected request. It never logs an event, because an event can contain
credentials.
"""
