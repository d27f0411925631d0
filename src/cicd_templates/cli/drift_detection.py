"""Detects the drift of an environment's stacks, and shows on the terminal that the detection is in progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cicd_templates.cli import terminal

if TYPE_CHECKING:
    from cicd_templates.cli.targets import Target
    from cicd_templates.deploy.change_sets.drift import StackDrift


def drift_of(target: Target) -> list[StackDrift]:
    """Return the drift of each stack that the user chose, as detected by CloudFormation. Changes no resource."""
    from cicd_templates.deploy.change_sets.drift import detect_drift

    with terminal.working(f"{target.environment}: CloudFormation compares the resources with the templates"):
        return list(detect_drift(target.clients, target.chosen, target.stacks, target.polling))
