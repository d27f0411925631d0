"""The tags by which everything of this project is known, spelled once for the renderer and the deployer."""

MANAGED_BY_KEY = "ManagedBy"
MANAGED_BY = "cicd-templates"
