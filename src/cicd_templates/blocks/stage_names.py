"""Returns the names of an environment's pipeline stages, and the path of its approval action."""

from __future__ import annotations

from cicd_templates.blocks.approval_actions import APPROVE
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import title


def approval_of(peer: Environment) -> str:
    """Return the path `<stage>/<action>` of the action that approves releases to the environment `peer`.

    The ARN of the action ends in this path.
    """
    return f"{stage_of(peer)}/{APPROVE}"


def stage_of(peer: Environment) -> str:
    """Return the name of the stage that deploys to the environment `peer`."""
    return title(peer.name)


def migration_stage_of(peer: Environment) -> str:
    """Return the name of the stage that runs the migration in the environment `peer`."""
    return stage_of(peer) if peer.protected else f"{stage_of(peer)}-Migration"


def users_stage_of(peer: Environment) -> str:
    """Return the name of the stage that creates database users in the environment `peer`."""
    return stage_of(peer) if peer.protected else f"{stage_of(peer)}-DatabaseUsers"
