"""Defines the tags by which the renderer and the deployer identify the stacks and resources of the project."""

MANAGED_BY_KEY = "ManagedBy"
MANAGED_BY = "cicd-templates"
# The tags that the renderer puts on every stack and its resources, so the configuration may not set them.
OWN_KEYS = ("Project", "Environment", "Suffix", "Layer", "Service", "Owner", "CostCenter", MANAGED_BY_KEY)
