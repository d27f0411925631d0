"""Reads the rendered stacks of one environment, in deploy order. Calls no AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cicd_templates.errors import ConfigurationError
from cicd_templates.paths import BUILD
from cicd_templates.template import cloudformation_yaml, links
from cicd_templates.template.links import METADATA_KEY, Links

IAM_TYPE = "AWS::IAM::"
# The property by which a type of IAM takes a name of the author's, for which CloudFormation wants its own consent.
IAM_NAMES = ("RoleName", "ManagedPolicyName", "GroupName", "UserName", "InstanceProfileName")


@dataclass(frozen=True)
class Stack:
    """One rendered stack: the text that was reviewed, and what it says about itself."""

    name: str
    layer: str
    service: str | None
    path: Path
    body: str
    template: Mapping[str, Any]
    links: Links
    facts: Mapping[str, Any]

    @property
    def asked(self) -> dict[str, str | None]:
        """The variables by which `make` is told its environment."""
        return {"ENV": str(self.facts["Environment"]), "SUFFIX": self.facts.get("Suffix")}

    @property
    def account(self) -> str:
        """The account that it is for."""
        return str(self.facts["Account"])

    @property
    def region(self) -> str:
        """The region that it is for."""
        return str(self.facts["Region"])

    @property
    def protected(self) -> bool:
        """Whether its environment is protected."""
        return bool(self.facts["Protection"] == "protected")

    @property
    def tags(self) -> dict[str, str]:
        """The stack's tags, by which it is known as ours again."""
        return dict(self.facts["StackTags"])

    @property
    def parameter_root(self) -> str:
        """Where in Parameter Store everything of its environment stands; log groups begin alike."""
        return f"/{self.facts['Project']}/{self.links.environment}/"

    @property
    def deployed_as(self) -> str | None:
        """The parameter with the role that CloudFormation is given for it, where the pipeline deploys it too."""
        path = self.facts.get("DeployedAs")
        return str(path) if path else None

    @property
    def label(self) -> str:
        """How people call it: its file's stem."""
        return self.path.stem

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What CloudFormation has to be allowed for it, and no more.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
        """
        iam = [resource for resource in self.template["Resources"].values() if resource["Type"].startswith(IAM_TYPE)]
        if any(name in resource.get("Properties", {}) for resource in iam for name in IAM_NAMES):
            return ("CAPABILITY_NAMED_IAM",)
        return ("CAPABILITY_IAM",) if iam else ()


def read_stacks(folder: Path) -> list[Stack]:
    """The stacks in `folder`, producers before their readers.

    Raises `ConfigurationError` where there are none, or a file is not one of ours.
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix in (".yaml", ".json"))
    if not paths:
        same = " with the same SUFFIX=" if folder.parent == BUILD else ""
        raise ConfigurationError(f"{folder}: no rendered templates; run `make render`{same} first")
    stacks = {stack.name: stack for stack in map(_read, paths)}
    accounts = sorted({f"{stack.account} in {stack.region}" for stack in stacks.values()})
    if len(accounts) > 1:
        raise ConfigurationError(f"{folder}: rendered for {' and '.join(accounts)}; run `make render` again")
    return [stacks[name] for wave in links.waves(stack.links for stack in stacks.values()) for name in wave]


def _read(path: Path) -> Stack:
    try:
        body = path.read_text(encoding="utf-8")
        template = cloudformation_yaml.load(body)
        facts = template["Metadata"][METADATA_KEY]
        return Stack(
            name=facts["Stack"],
            layer=facts["Layer"],
            service=facts.get("Service"),
            path=path,
            body=body,
            template=template,
            links=links.links_of(template),
            facts=facts,
        )
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        detail = str(error).splitlines()[0]
        raise ConfigurationError(f"{path}: not a template that `make render` wrote ({detail}); render again") from None


def select(stacks: Sequence[Stack], layer: str | None, service: str | None) -> list[Stack]:
    """Those of a layer and a service, where given. Raises `ConfigurationError` naming what there is."""
    chosen = [stack for stack in stacks if layer in (None, stack.layer) and service in (None, stack.service)]
    if chosen:
        return chosen
    asked = " and ".join(
        f"{word} {value!r}" for word, value in (("layer", layer), ("service", service)) if value is not None
    )
    raise ConfigurationError(f"no stack of {asked} here; there are {', '.join(stack.label for stack in stacks)}")
