"""Reads the rendered stacks of one environment, in deploy order. This module does not call AWS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cicd_templates.errors import ConfigurationError, closest
from cicd_templates.files.paths import BUILD
from cicd_templates.template import stack_graph
from cicd_templates.template.checksums import TEMPLATE_SUFFIXES, find_strays
from cicd_templates.template.stack_template import StackTemplate, read_template

IAM_TYPE = "AWS::IAM::"
# The properties that set the name of an IAM resource; CloudFormation needs CAPABILITY_NAMED_IAM for these.
IAM_NAMES = ("RoleName", "ManagedPolicyName", "GroupName", "UserName", "InstanceProfileName")


def template_paths(folder: Path) -> list[Path]:
    """Return the paths of the templates that `make render` wrote into `folder`, the folder of one environment.

    Templates that `make render` did not write are left out, so that no command deploys them.
    """
    strays = find_strays(folder.parent, folder.name)
    return sorted(path for path in folder.glob("*") if path.suffix in TEMPLATE_SUFFIXES and path not in strays)


def read_stacks(folder: Path) -> list[StackTemplate]:
    """Return the stacks in `folder`. Each stack comes after the stacks that it reads values from.

    Raises `ConfigurationError` in these cases:

    - There are no templates.
    - A file is not a template of this program.
    - The templates are for more than one account or region.
    """
    paths = template_paths(folder)
    if not paths:
        same = " with the same SUFFIX=" if folder.parent.parent == BUILD else ""
        raise ConfigurationError(f"{folder}: no rendered templates; run `make render`{same} first")
    stacks = {stack.name: stack for stack in map(read_template, paths)}
    accounts = sorted({f"{stack.account} in {stack.region}" for stack in stacks.values()})
    if len(accounts) > 1:
        raise ConfigurationError(
            f"{folder}: has templates for several accounts or regions: {', '.join(accounts)}; run `make render` again"
        )
    return [stacks[name] for wave in stack_graph.waves(stack.links for stack in stacks.values()) for name in wave]


def capabilities(stack: StackTemplate) -> tuple[str, ...]:
    """Return exactly the capabilities that CloudFormation requires for the stack's resources.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
    """
    iam = [resource for resource in stack.resources.values() if resource["Type"].startswith(IAM_TYPE)]
    if any(name in resource.get("Properties", {}) for resource in iam for name in IAM_NAMES):
        return ("CAPABILITY_NAMED_IAM",)
    return ("CAPABILITY_IAM",) if iam else ()


def select(stacks: Sequence[StackTemplate], layer: str | None, service: str | None) -> list[StackTemplate]:
    """Return the stacks of `layer` and `service`. None instead of a name means every layer or every service.

    If there is no such stack, raises `ConfigurationError` with the names that can be chosen.
    """
    chosen = matching(stacks, layer, service)
    if chosen:
        return chosen
    raise ConfigurationError(f"there is no stack of {asked(layer, service)}; {choices(stacks, layer, service)}")


class ChosenStack(Protocol):
    """A rendered or a deployed stack, which a user chooses by its layer and its service."""

    @property
    def label(self) -> str:
        """The short name of the stack."""

    @property
    def layer(self) -> str:
        """The name of the stack's layer."""

    @property
    def service(self) -> str | None:
        """The name of the stack's service, if it has one."""


def choices(stacks: Sequence[ChosenStack], layer: str | None, service: str | None) -> str:
    """Return a hint for a user who has chosen a layer and a service that no stack has.

    - If the user has typed the label of a stack, such as `delivery-shop`, the hint names the stack's layer and service.
    - If the layer or the service does not exist, the hint has the most similar name. If no name is similar, the hint
      lists all names of layers or services.
    - Otherwise, the hint lists all stacks.
    """
    labelled = next((stack for stack in stacks if stack.service and stack.label in (layer, service)), None)
    if labelled:
        return f"the stack {labelled.label} has {asked(labelled.layer, labelled.service)}"
    for word, name, known in (
        ("layer", layer, {stack.layer for stack in stacks if stack.layer}),
        ("service", service, {stack.service for stack in stacks if stack.service}),
    ):
        if name is not None and name not in known:
            close = closest(name, sorted(known))
            return f"did you mean {close}?" if close else f"the {word}s are {', '.join(sorted(known)) or 'none'}"
    return f"the stacks are {', '.join(stack.label for stack in stacks)}"


def matching(stacks: Sequence[StackTemplate], layer: str | None, service: str | None) -> list[StackTemplate]:
    """Return the stacks of `layer` and `service`. None instead of a name means every layer or every service."""
    return [stack for stack in stacks if layer in (None, stack.layer) and service in (None, stack.service)]


def asked(layer: str | None, service: str | None) -> str:
    """Return a phrase with the layer and the service that the user chose, such as `layer 'x' and service 'y'`."""
    named = (("layer", layer), ("service", service))
    return " and ".join(f"{word} {value!r}" for word, value in named if value is not None)
