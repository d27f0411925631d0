"""The source of the Lambda functions. The rendered templates contain this source inline.

- `scan_gate` decides whether a release may continue.
- `review` describes change sets to an approver.
- `approval_check` stops a stage that would execute change sets that were not approved.
- `sign` signs statements about a release and about its deployments.
- `verify_image` and `smoke` approve a deployment on behalf of ECS.
- `migrate` runs the migration of a release.
- `database_users` creates the users of databases.
- `measure` and `stuck` publish metrics about pipeline runs.
- `rotation` deploys a service again when a secret changes.

The other modules are parts of these functions. `cicd_templates.blocks.inlined_modules` joins a function and the modules
that it imports into one source text. `cicd_templates.blocks.inlined_scan_gate` does this for the scan gate. `make gate`
runs the modules of the scan gate on a developer's machine.

The source is ASCII. A function imports only the standard library, boto3 and modules of this package. It answers its
caller exactly once, and refuses every unexpected request. It never logs an event, because an event can contain
credentials.
"""
