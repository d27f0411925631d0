"""Runs the rendered pipeline in a local AWS on this machine, with the pipeline's IAM roles. Such a run is a rehearsal.

1. `deployed_pipeline` deploys every stack of `out/` into a local AWS that enforces IAM. Then it reads the definitions
   of the pipeline and of its build projects. `pipeline_definition_checks` finds what would prevent the pipeline from
   running.
2. `rehearse` releases the source archive, and waits until the EventBridge rule starts the pipeline.
3. `stages` runs the stages: it checks a stage's variable conditions, then runs its actions. The actions of a group run
   in parallel. Each action provider has a module: `s3_source`, `codebuild`, `lambdas`, `cloudformation`, `approval`.
4. `codebuild` runs the phases of a build in one shell (`build_shell`), with the variables, credentials and tools of
   `build_environment`. `programs` has replacements for docker, pip, the aws command line, and scanners that need an
   external service.
5. `grants` compares the granted actions with the actions that the local IAM allowed. `result` and `report` present the
   result. `release_evidence` stores the signed evidence of the run.

The local AWS executes IAM, S3, KMS, CloudFormation, Lambda and events. Some parts of a pipeline cannot be executed
locally. The result lists them, because a rehearsal does not show whether they work. The package reads only `out/`,
imports nothing from the renderer, and never calls the real AWS.
"""
