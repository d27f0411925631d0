"""Layer `scanning`: Amazon Inspector scans this environment's images, on push and continuously."""

from __future__ import annotations

from troposphere import ecr

from cicd_templates.blocks.removal_policies import because
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import name_prefix
from cicd_templates.layer.template import LayerTemplate


def exists(env: Environment) -> bool:
    """Return whether it is configured, and `env` is no copy: an account and region has one setting, the original's.

    Two stacks would overwrite each other's, and deleting the copy would switch the original's scanning off.
    """
    return env.pipeline.enhanced_scanning and env.suffix is None


def build(env: Environment) -> LayerTemplate:
    """Return the registry's setting, for the repositories of this environment and its copies, by their names."""
    layer = LayerTemplate(env)
    ours = ecr.RepositoryFilter(Filter=f"{name_prefix(env)}-*", FilterType="WILDCARD")
    scanning = ecr.RegistryScanningConfiguration(
        "RegistryScanning",
        ScanType="ENHANCED",
        Rules=[ecr.ScanningRule(ScanFrequency="CONTINUOUS_SCAN", RepositoryFilters=[ours])],
    )
    layer.add(
        because(
            scanning, "The setting is the whole registry's: it replaces rules that exist there for other repositories."
        )
    )
    return layer
