"""Ten changes of a rendered project, each deployed before the change and planned after it on the simulated AWS.

`python -m tests.unit.deploy.plans.web_page.ten_changes FOLDER` writes the page of each plan, for people to read. Their
file names are numbers, so that they do not tell what the page is about.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import re
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd_templates.config.load import parse_configuration
from cicd_templates.deploy.change_sets.drift import DriftedResource, PropertyDrift, StackDrift
from cicd_templates.deploy.change_sets.drift_reversal import DetectedDrift
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.runs import deployment
from cicd_templates.render.render import RenderedStack, render
from cicd_templates.template.cloudformation_yaml import dump
from cicd_templates.template.source_lines import locate
from cicd_templates.template.stack_template import StackTemplate, parse_template
from templates import LAYERS
from tests.fakes.simulated_aws import SimulatedAws
from tests.unit.deploy.plans.web_page.planned_changes import Silent

PROJECT = Path(__file__).parents[4] / "projects/databases/environments.toml"
ENVIRONMENT = "production"
# The simulated AWS has this account. The tool refuses to plan an environment of another one.
ACCOUNTS = {"222222222222": "444444444444", "333333333333": "222222222222"}
MANY_SERVICES = tuple(f"shop-{number:02}" for number in range(1, 41))

Raw = dict[str, Any]
Templates = dict[str, Raw]


def nothing(edited: Any) -> None:
    """Edit nothing."""


@dataclass(frozen=True)
class RenderedChange:
    """A change of the configuration, of its rendered templates, or of both; `before` and `deploy` apply before it."""

    name: str
    configure: Callable[[Raw], None] = nothing
    edit: Callable[[Templates], None] = nothing
    before: Callable[[Raw], None] = nothing
    deploy: Callable[[Templates], None] = nothing
    drift: Callable[[list[StackTemplate]], tuple[StackDrift, ...]] | None = None

    def page(self, folder: Path) -> str:
        """The page that `make plan` writes for this change."""
        with contextlib.chdir(folder):
            return self._page()

    def _page(self) -> str:
        old = configuration()
        self.before(old)
        new = copy.deepcopy(old)
        self.configure(new)
        deployed, wanted = stacks(old, self.deploy), stacks(new, self.deploy, self.edit)
        aws = copy.deepcopy(deployed_once(json.dumps(old), self.deploy))
        context = context_of(aws, wanted)
        labels = {stack.label for stack in wanted}
        removed = sorted(stack.label for stack in deployed if stack.label not in labels)
        drift = DetectedDrift(self.drift(wanted)) if self.drift else None
        # As `destroying_choices` does for a service of which no stack is rendered.
        to_destroy = [f"make destroy ENV={ENVIRONMENT} SERVICE=ledger"] if removed else []
        deployment.plan(context, wanted, Silent(), removed=removed, drift=drift, to_destroy=to_destroy)
        return (context.plans / f"{ENVIRONMENT}.html").read_text()


def context_of(aws: SimulatedAws, wanted: list[StackTemplate]) -> DeployContext:
    return DeployContext(
        aws,  # type: ignore[arg-type] # the simulation stands in
        aws.clock.polling(),
        Path(".state"),
        caller="arn:aws:iam::222222222222:user/ada",
        revision="4f1c2d9",
        # The simulation cannot tell whether a name is taken.
        recorded=frozenset(resource["Type"] for stack in wanted for resource in stack.resources.values()),
        today=aws.clock.today,
    )


@functools.lru_cache(2)
def deployed_once(raw: str, edit: Callable[[Templates], None]) -> SimulatedAws:
    """Return a simulated AWS to which a configuration was deployed, for the caller to copy."""
    aws = SimulatedAws()
    aws.page = 100
    wanted = stacks(json.loads(raw), edit)
    deployment.deploy(context_of(aws, wanted), wanted, Silent(), lambda question: True)
    return aws


def configuration() -> Raw:
    text = PROJECT.read_text(encoding="utf-8")
    raw = tomllib.loads(re.sub("|".join(ACCOUNTS), lambda found: ACCOUNTS[found[0]], text))
    # One of the services has the name of the project; placeholders could then stand for either.
    raw["project"]["name"] = "books"
    return raw


@functools.lru_cache(4)
def render_once(raw: str) -> list[RenderedStack]:
    """Return the environment's stacks of a configuration, which is given as JSON. Most changes begin with the same."""
    configured = parse_configuration(json.loads(raw), source="environments.toml")
    return [stack for stack in render(configured, LAYERS, "yaml") if stack.facts.environment == ENVIRONMENT]


def stacks(raw: Raw, *edits: Callable[[Templates], None]) -> list[StackTemplate]:
    rendered = render_once(json.dumps(raw))
    contents = {stack.label: json.loads(json.dumps(stack.template.content)) for stack in rendered}
    texts = {label: json.dumps(content) for label, content in contents.items()}
    for edit in edits:
        edit(contents)
    return [
        parse_template(
            Path("out", stack.path),
            stack.text if json.dumps(contents[stack.label]) == texts[stack.label] else dump(contents[stack.label]),
        )
        for stack in rendered
    ]


# The edits of configurations and templates.


def policy_of(role: Raw) -> list[Raw]:
    statements: list[Raw] = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return statements


def widen_role(templates: Templates) -> None:
    read = {
        "Sid": "ReadExports",
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": [{"Fn::Sub": "arn:${AWS::Partition}:s3:::books-production-exports-222222222222/*"}],
    }
    policy_of(templates["service-billing"]["Resources"]["TaskRole"]).append(read)


def read_exports(templates: Templates) -> None:
    widen_role(templates)
    policy_of(templates["service-billing"]["Resources"]["TaskRole"])[-1]["Action"].remove("s3:PutObject")


def restore_exports(templates: Templates) -> None:
    policy_of(templates["service-billing"]["Resources"]["TaskRole"])[-1]["Action"].append("s3:PutObject")


def unprotect_database(templates: Templates) -> None:
    templates["databases"]["Resources"]["GeneralLedgerCluster"]["Properties"]["DeletionProtection"] = False


def replace_database(templates: Templates) -> None:
    resources = templates["databases"]["Resources"]
    resources["GeneralLedgerCluster"]["Properties"] |= {
        "DatabaseName": "ledger_v2",
        "DBClusterIdentifier": "books-production-general-ledger-v2",
    }
    for number in (1, 2):
        instance = resources[f"GeneralLedgerInstance{number}"]["Properties"]
        instance["DBInstanceIdentifier"] = f"books-production-general-ledger-v2-{number}"


def move_subnet(templates: Templates) -> None:
    properties = templates["network"]["Resources"]["PrivateSubnet2"]["Properties"]
    properties |= {"AvailabilityZone": "eu-central-1c", "CidrBlock": "10.20.96.0/20"}


def add_service(raw: Raw) -> None:
    raw["services"]["reports"] = {**raw["services"]["ledger"], "path_pattern": "/reports/*"}


def remove_service(raw: Raw) -> None:
    del raw["services"]["ledger"]


def edit_key_policy(templates: Templates) -> None:
    statements = templates["keys"]["Resources"]["Key"]["Properties"]["KeyPolicy"]["Statement"]
    statements.append(
        {
            "Sid": "LetTheAuditorsDecrypt",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::555555555555:root"},
            "Action": ["kms:Decrypt"],
            "Resource": ["*"],
        }
    )


def run_image(digit: str) -> Callable[[Templates], None]:
    """Let the tasks of all services run the image whose digest repeats `digit`."""

    def edit(templates: Templates) -> None:
        for label, template in templates.items():
            layer, _, service = label.partition("-")
            if layer == "service":
                repository = f"111111111111.dkr.ecr.eu-central-1.amazonaws.com/books-tools-{service}"
                container = template["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"][0]
                container["Image"] = f"{repository}@sha256:{digit * 64}"

    return edit


def change_tags(raw: Raw) -> None:
    raw["project"]["cost_center"] = "cc-2"


def have_many_services(raw: Raw) -> None:
    service = {"checks": raw["services"]["ledger"]["checks"], "port": 8080}
    del raw["databases"], raw["environments"][ENVIRONMENT]["databases"]
    raw["services"] = {name: {**service, "path_pattern": f"/{name}/*"} for name in MANY_SERVICES}


def give_memory(raw: Raw) -> None:
    for service in raw["services"].values():
        service |= {"cpu": 512, "memory": 2048}


def edited_by_hand(stacks: list[StackTemplate]) -> tuple[StackDrift, ...]:
    by_label = {stack.label: stack for stack in stacks}

    def drifted(label: str, name: str, status: str, *differences: PropertyDrift) -> DriftedResource:
        kind = by_label[label].resources[name]["Type"]
        return DriftedResource(name, kind, locate(by_label[label], name), status, differences)

    anybody = PropertyDrift(
        "/SecurityGroupIngress/0", "", '{"CidrIp": "0.0.0.0/0", "FromPort": 5432, "IpProtocol": "tcp", "ToPort": 5432}'
    )
    group = drifted("databases", "GeneralLedgerSecurityGroup", "MODIFIED", anybody)
    alarm = drifted("databases", "GeneralLedgerCpu", "DELETED")
    backups = drifted(
        "databases", "GeneralLedgerCluster", "MODIFIED", PropertyDrift("/BackupRetentionPeriod", "35", "1")
    )
    found = {"databases": (group, alarm, backups)}
    return tuple(StackDrift(stack.label, found.get(stack.label, ())) for stack in stacks)


# The order of the pages is not that of the names, so that a reader cannot guess from it.
TEN_CHANGES = (
    RenderedChange("moved subnet", edit=move_subnet),
    RenderedChange("tags only", configure=change_tags),
    RenderedChange("new service", configure=add_service),
    RenderedChange("widened role", deploy=read_exports, edit=restore_exports),
    RenderedChange("drift", drift=edited_by_hand),
    RenderedChange("replaced database", deploy=unprotect_database, edit=replace_database),
    RenderedChange("40 services alike", before=have_many_services, configure=give_memory),
    RenderedChange("image only", deploy=run_image("1"), edit=run_image("2")),
    RenderedChange("removed service", configure=remove_service),
    RenderedChange("key policy edit", edit=edit_key_policy),
)


def write_pages(folder: Path, changes: Iterable[RenderedChange]) -> None:
    """Write the page of each change to `folder`, as `01.html` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, change in enumerate(changes, 1):
        with tempfile.TemporaryDirectory() as state:
            (folder / f"{number:02}.html").write_text(change.page(Path(state)))


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]), TEN_CHANGES)
