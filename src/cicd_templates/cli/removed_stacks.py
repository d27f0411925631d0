"""Describes the stacks that are no longer rendered but still exist in AWS, with the commands that delete them."""

from __future__ import annotations

from collections.abc import Sequence

from cicd_templates import hints
from cicd_templates.cli.targets import Target
from cicd_templates.deploy.destruction.orphans import RemovedStack, destroying_choices


def removed_note(target: Target, removed: Sequence[RemovedStack]) -> str:
    """Return a line that lists the stacks in `removed`, with the commands that delete them.

    The line is needed because no deployment deletes these stacks.
    """
    labels = [stack.label for stack in removed]
    commands = [f"`{command}`" for command in destroy_commands(target, removed)]
    note = f"{target.environment}: no longer rendered, and still in AWS: {', '.join(labels)}"
    if commands:
        note += f"; to delete {'it' if len(labels) == 1 else 'them'}: {', '.join(commands)}"
    ingress = [label for label in labels if label.startswith("ingress-")]
    if ingress:
        note += (
            f"; delete {', '.join(ingress)} before you deploy a listener rule with the same priority, or AWS refuses"
            " the new rule; if you renamed a service, see docs/make-it-yours.md"
        )
    return note


def destroy_commands(target: Target, removed: Sequence[RemovedStack]) -> list[str]:
    """Return the `make destroy` commands that delete the stacks in `removed`."""
    variables, local = target.stacks[0].make_variables, target.engine is not None
    return [
        hints.make("destroy", **variables, **choice, LOCAL=local)
        for choice in destroying_choices(removed, target.stacks)
    ]
