"""Names of the keys under which a rendered template and its resources carry metadata."""

# Reasons that a building block gives for a resource; the renderer writes each as a `# Why:` line above it.
REASONS_KEY = "Why"
# True for a build project whose commands are meant to run code of the application; the lint rule E9164 reads it.
RUNS_APPLICATION_KEY = "RunsApplication"
# The names of a pipeline's stages that deploy to protected environments; the lint rule E9161 reads it.
PROTECTED_STAGES_KEY = "ProtectedStages"
