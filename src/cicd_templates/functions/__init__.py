"""The source of the Lambda functions, whose text is inlined in the rendered templates.

- `scan_gate` decides whether a release may continue: `handler` fetches the artifacts of all checks, `formats` reads
  their reports, `policy` reads the accepted risks, `decide` judges, `summary` and `findings` describe the decision.
- `review` describes a change set to its approver; `verify_image` and `smoke` approve a deployment on behalf of ECS.
- `measure` and `stuck` publish metrics of pipeline runs.

`cicd_templates.blocks.lambda_functions` inlines a single file, and `cicd_templates.blocks.inlined_scan_gate` joins the
modules of the scan gate that a service needs. The same modules of the gate run locally in `make gate`.

A function uses the standard library and boto3 alone, imports nothing else of the project, and is ASCII. Each answers
its caller exactly once, treats every unexpected state as a refusal, and never logs an event (it can hold credentials).
"""
