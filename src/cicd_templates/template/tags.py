"""The tags by which everything of this project is known, spelled once for the renderer and the deployer."""

MANAGED_BY_KEY = "ManagedBy"
MANAGED_BY = "cicd-templates"
# Every tag that a stack and its resources have by themselves, which is therefore nobody else's to set.
OWN_KEYS = ("Project", "Environment", "Suffix", "Layer", "Service", "Owner", "CostCenter", MANAGED_BY_KEY)
