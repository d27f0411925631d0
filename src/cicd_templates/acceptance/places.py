"""Takes accounts, regions and credentials for an acceptance run from the user's configuration."""

from __future__ import annotations

from cicd_templates.acceptance.project import PRODUCTION, STAGING, TOOLS, Place
from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.errors import ConfigurationError


def places_of(configuration: Configuration) -> dict[str, Place]:
    """Return the place of each environment of the run: tools, and the first and the last runtime environment.

    Raises `ConfigurationError` if the configuration has no tools or no runtime environment.
    """
    ordered = configuration.deploy_order
    runtime = [environment for environment in ordered if environment.kind != TOOLS]
    tools = [environment for environment in ordered if environment.kind == TOOLS]
    if not runtime or not tools:
        raise ConfigurationError("the acceptance run needs an environment `tools` and at least one runtime environment")
    return {STAGING: _place(runtime[0]), PRODUCTION: _place(runtime[-1]), TOOLS: _place(tools[0])}


def _place(environment: Environment) -> Place:
    settings = environment.settings
    return Place(environment.account, environment.region, settings.profile, settings.role_arn, settings.external_id)
