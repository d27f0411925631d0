"""Names of the metadata keys of rendered templates and their resources."""

# The reasons that a building block gives for a resource. The renderer writes each reason as a `# Why:` line above it.
REASONS_KEY = "Why"
# For a build project: true if its commands run the application's code on purpose. The lint rule E9164 reads this value.
RUNS_APPLICATION_KEY = "RunsApplication"
# For a pipeline: the names of the stages that deploy to protected environments. The lint rule E9161 reads these names.
PROTECTED_STAGES_KEY = "ProtectedStages"
