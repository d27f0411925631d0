"""Checks that refuse a destruction before anything is deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cicd_templates import hints
from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.registry import operations_of
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack
from cicd_templates.deploy.change_sets.ownership import require_ours
from cicd_templates.deploy.destruction.deletion_order import ROLE_TYPE, deployment_role_name
from cicd_templates.deploy.destruction.deployed_stacks import DeployedStack
from cicd_templates.deploy.destruction.inventory import Inventory
from cicd_templates.errors import ConfigurationError, RefusedError
from cicd_templates.template.stack_template import StackTemplate


def refuse_protected(environment: str, allowed: Sequence[str], *, protected: bool, make: str) -> None:
    """Raise `RefusedError` if `environment` is protected and is not in `allowed`.

    `make` is the make command that destroys exactly what the user chose. The error shows this command with `ALLOW=`.
    """
    if protected and environment not in allowed:
        raise RefusedError(
            f"{environment} is protected. A destruction keeps its data, but stops everything that runs there."
            f" To destroy the environment anyway: {make} ALLOW={environment}"
        )


def refuse_foreign_stacks(clients: Clients, stacks: Sequence[StackTemplate]) -> None:
    """Raise `RefusedError` if one of `stacks` exists in AWS, but this project does not own it."""
    for stack in stacks:
        existing = describe_stack(clients, stack.name)
        if existing is not None:
            require_ours(clients, existing, stack)


def refuse_undeletable(inventory: Inventory) -> None:
    """Raise `RefusedError` if a resource to delete has a deletion protection that `destroy` cannot switch off.

    Without this check, CloudFormation would delete other resources of the stack before it fails.
    """
    undeletable = [
        f"\n  {owned.stack}/{owned.logical_id} ({owned.resource_type}) {owned.physical_id}: first deploy a template"
        f" with {owned.protected_by} off"
        for stack in inventory.stacks
        for owned in stack.resources
        if owned.protected_by and not owned.kept and operations_of(owned.resource_type).protection is None
    ]
    if undeletable:
        raise RefusedError(f"these resources are protected from deletion:{''.join(undeletable)}")


def refuse_still_needed(inventory: Inventory, *, local: bool) -> None:
    """Raise `RefusedError` if a stack that is to be kept depends on a stack that is to be deleted.

    For example, the kept stack reads a value of the deleted stack, or needs a role of the deleted stack for its own
    deletion. The error shows the make command that destroys the kept stack first. `local` is true if the stacks are in
    the local AWS.
    """
    published = {path: stack for stack in inventory.stacks for path in stack.links.publishes}
    roles = {
        owned.physical_id: stack
        for stack in inventory.stacks
        for owned in stack.resources
        if owned.resource_type == ROLE_TYPE
    }
    for other in inventory.others:
        if deployment_role_name(other) in roles:
            owner = roles[deployment_role_name(other)].name
            _refuse_needed(
                other, f"cannot be deleted without the role {deployment_role_name(other)} of {owner}", local=local
            )
        for read in other.links.reads:
            if read.path in published:
                _refuse_needed(other, f"reads {read.path} of {published[read.path].name}", local=local)
        # Stacks in `after` are needed although no value is read from them, such as the stack that owns the role. The
        # role is checked here too, because the local AWS does not store the role of a stack.
        for name in other.links.after:
            if name in {stack.name for stack in inventory.stacks}:
                _refuse_needed(other, f"can be deleted only while {name} exists", local=local)


def _refuse_needed(other: DeployedStack, why: str, *, local: bool) -> None:
    names = {"ENV": "Environment", "SUFFIX": "Suffix", "LAYER": "Layer", "SERVICE": "Service"}
    chosen = {variable: other.tags.get(tag) for variable, tag in names.items()}
    raise RefusedError(
        f"{other.name} {why}; destroy {other.name} first: {hints.make('destroy', **chosen, LOCAL=local)}"
    )


def require_confirmed(names: Sequence[str], confirmed: str | None, ask: Callable[[str], str] | None) -> None:
    """Raise an error if the user does not confirm exactly the environments in `names`.

    `confirmed` has the confirmed names, separated by commas. If `confirmed` is None, the user must type each name.
    `ask` asks for a name and returns the typed text. Without a terminal, `ask` is None.

    Raises `RefusedError` if the names differ, and `ConfigurationError` if the user cannot be asked.
    """
    if confirmed is not None:
        given = confirmed.split(",")
        if sorted(given) != sorted(names):
            raise RefusedError(
                f"{confirmed!r} was confirmed, but the plan destroys {','.join(names)}, so nothing was deleted"
            )
        return
    if ask is None:
        raise ConfigurationError(
            f"the names must be confirmed, but there is no terminal; add {hints.option('CONFIRM', ','.join(names))}"
        )
    for name in names:
        typed = ask(name)
        if typed != name:
            raise RefusedError(f"{typed!r} was typed instead of {name}, so nothing was deleted")
