"""The source of the Lambda functions. The rendered templates contain this source inline.

- `scan_gate` decides whether a release may continue: `handler` fetches the artifacts of all checks, `formats` reads
  their reports, `policy` reads the accepted risks, `decide` makes the decision, `summary` and `findings` describe it.
- `review` describes change sets to their approver. `approval_check` stops a stage that would execute other change sets.
  Both use `reviewed_change_sets`, which identifies change sets, and `approval_records`, which stores them as evidence.
- `sign` signs statements about a release, and about its deployments, which `deployed_release` and `alarm_states`
  examine. `release_statements` writes the statements in the format of `evidence_format`, and `dockerfile_images` finds
  the base images of the release.
- `verify_image` and `smoke` approve a deployment on behalf of ECS. `migrate` runs the migration of a release.
- `pipeline_jobs`, `job_failures` and `role_clients` are shared by several functions.
- `measure` and `stuck` publish metrics of pipeline runs.

`cicd_templates.blocks.inlined_modules` joins a function with the modules of this package that it imports, and
`cicd_templates.blocks.inlined_scan_gate` joins the modules of the scan gate that a service needs. The same modules of
the gate run locally in `make gate`.

A function imports only the standard library, boto3 and modules of this package. The source is ASCII. Each function
answers its caller exactly once, and refuses if anything is unexpected. It never logs an event, because an event can
contain credentials.
"""
