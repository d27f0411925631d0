"""Names of the metadata keys of rendered templates and their resources."""

# The reasons that a building block gives for a resource. The renderer writes each reason as a `# Why:` line above it.
REASONS_KEY = "Why"
# True for a build project whose commands run the application's code on purpose; the lint rule E9164 reads it.
RUNS_APPLICATION_KEY = "RunsApplication"
# The names of the stages that deploy to protected environments, for a pipeline; the lint rule E9161 reads it.
PROTECTED_STAGES_KEY = "ProtectedStages"
