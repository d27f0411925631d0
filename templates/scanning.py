"""Layer `scanning`: Amazon Inspector scans this environment's images, on push and continuously."""

from __future__ import annotations

from troposphere import ecr

from cicd_templates.blocks.removal_policies import because
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import name_prefix
from cicd_templates.layer.template import LayerTemplate


def exists(env: Environment) -> bool:
    """Return whether enhanced scanning is configured. If `env` is a parallel copy, the result is false.

    The registry of an account and region has only one scanning configuration, which belongs to the original
    environment. Two stacks would overwrite each other's configuration, and deleting the copy would switch off scanning
    for the original.
    """
    return env.pipeline.enhanced_scanning and env.suffix is None


def build(env: Environment) -> LayerTemplate:
    """Return the registry's scanning configuration.

    Its name pattern matches the repositories of this environment and of the environment's copies.
    """
    layer = LayerTemplate(env)
    ours = ecr.RepositoryFilter(Filter=f"{name_prefix(env)}-*", FilterType="WILDCARD")
    scanning = ecr.RegistryScanningConfiguration(
        "RegistryScanning",
        ScanType="ENHANCED",
        Rules=[ecr.ScanningRule(ScanFrequency="CONTINUOUS_SCAN", RepositoryFilters=[ours])],
    )
    layer.add(
        because(
            scanning,
            "This setting applies to the complete registry: it replaces existing rules for other repositories.",
        )
    )
    return layer
