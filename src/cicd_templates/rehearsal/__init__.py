"""Run the rendered pipeline on this machine, under its own IAM roles, in a local AWS.

1. `deployment` deploys every stack of `out/` into a local AWS that enforces IAM, and reads back the pipeline and its
   build projects as they were deployed; `definition_checks` refuses a pipeline that cannot run.
2. `rehearse` releases the source archive, and waits until the EventBridge rule starts the pipeline.
3. `stages` runs the stages: it checks the variable conditions, then runs each action with the module of its provider
   (`source`, `codebuild`, `lambdas`, `cloudformation`, `approval`), all actions of a group in parallel.
4. `codebuild` runs the phases of a build in one shell (`shell`), with the variables, credentials and tools of
   `build_environment`; `programs` replaces docker, the aws command line, and scanners that need a service.
5. `grants` compares the decisions of the local IAM with the granted actions; `result` and `report` present everything.

The local AWS executes what it can: IAM, S3, KMS, CloudFormation, Lambda and events. Whatever neither it nor this
package can execute is listed in the result, and never assumed to have worked. The package reads `out/` alone, imports
nothing of the renderer, and never calls the real AWS.
"""
