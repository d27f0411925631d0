"""Stacks that nobody describes any more: of removed services, removed environments and renamed projects."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, selection
from cicd_templates.cli.targets import Target, open_target
from cicd_templates.cli.verbs import plan
from cicd_templates.config.load import read_configuration
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.destruction.orphans import find_removed_stacks, find_unknown_environments, labels_of_service
from cicd_templates.deploy.destruction.scope import scope_of
from cicd_templates.deploy.reporting.report import PlainReporter
from cicd_templates.errors import ConfigurationError
from cicd_templates.paths import CONFIGURATION
from tests.conftest import PROJECT
from tests.fakes.answering_aws import FakeAws

STAGING = read_stacks(PROJECT / "out/staging")
KEYS = next(stack for stack in STAGING if stack.layer == "keys")


def deployed(name: str, **tags: str) -> dict[str, Any]:
    known = {"ManagedBy": "cicd-templates", "Project": "shipping", "Environment": "staging", "Layer": "keys", **tags}
    return {
        "StackName": name,
        "StackId": f"id-{name}",
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        "Tags": [{"Key": key, "Value": value} for key, value in known.items() if value],
    }


STACKS = [
    deployed("shipping-staging-keys"),
    deployed("shipping-staging-service-till", Layer="service", Service="till"),
    deployed("shipping-staging-health-till", Layer="health", Service="till"),
    deployed("shipping-qa-network", Environment="qa", Layer="network"),
    deployed("old-name-staging-keys", Project="old-name"),
    deployed("shipping-staging-pr1-keys", Suffix="pr1"),
    deployed("shipping-qa-pr1-keys", Environment="qa", Suffix="pr1"),
    deployed("somebody-elses", ManagedBy="hand"),
]


def account(*stacks: dict[str, Any]) -> Any:
    return FakeAws(
        {
            "cloudformation.describe_stacks": [{"Stacks": list(stacks or STACKS)}],
            "cloudformation.get_template": {"TemplateBody": KEYS.text},
        }
    )


def target(*stacks: dict[str, Any]) -> Target:
    return Target([KEYS], [KEYS], account(*stacks), Polling(), None)


def test_environments_and_projects_that_are_not_configured_are_found_without_copies() -> None:
    unknown = find_unknown_environments(account(), {("shipping", "staging"), ("shipping", "production")})

    assert {key: [stack["StackName"] for stack in stacks] for key, stacks in unknown.items()} == {
        ("shipping", "qa"): ["shipping-qa-network"],
        ("old-name", "staging"): ["old-name-staging-keys"],
    }


def test_the_stacks_of_a_removed_service_are_found_by_their_tags() -> None:
    assert find_removed_stacks(account(), [KEYS]) == ["health-till", "service-till"]
    assert labels_of_service(account(), scope_of([KEYS]), "till") == {"health-till", "service-till"}
    assert labels_of_service(account(), scope_of([KEYS]), "till", "health") == {"health-till"}


def test_a_plan_names_the_stacks_that_no_deployment_deletes() -> None:
    sink = io.StringIO()
    for chosen in (target(), target(STACKS[0])):
        plan._report_removed(chosen, plan._removed_stacks(chosen), PlainReporter(sink))

    assert [line.strip() for line in sink.getvalue().splitlines()] == [
        "staging: no longer rendered, and still in AWS: health-till, service-till;"
        " `make destroy ENV=staging SERVICE=...` deletes those of a removed service"
    ]


def test_a_plan_says_that_removed_listener_rules_still_have_their_priorities() -> None:
    sink = io.StringIO()
    removed = deployed("shipping-staging-ingress-till", Layer="ingress", Service="till")
    chosen = target(STACKS[0], removed)
    plan._report_removed(chosen, plan._removed_stacks(chosen), PlainReporter(sink))

    assert sink.getvalue().strip() == (
        "staging: no longer rendered, and still in AWS: ingress-till; `make destroy ENV=staging SERVICE=...` deletes"
        " those of a removed service; until then AWS refuses new listener rules with the priorities of ingress-till;"
        " docs/make-it-yours.md describes how to rename a service"
    )


def test_a_service_that_neither_the_configuration_nor_aws_has_is_refused(in_project: Path) -> None:
    assert selection.removed_service("till") == "till"
    assert selection.removed_service("parcel-dispatcher") is None
    assert selection.removed_service(None) is None
    with pytest.raises(
        ConfigurationError, match="no service 'tll', neither in the configuration nor in staging in AWS"
    ):
        target().inventory("tll")


def test_the_inventory_of_a_removed_service_has_its_stacks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        "cicd_templates.cli.targets.take_inventory", lambda *_, **options: asked.append(options["labels"])
    )
    target().inventory("till")
    replace(target(), layer="health").inventory("till")
    target().inventory()

    assert asked == [{"health-till", "service-till"}, {"health-till"}, None]


@pytest.mark.parametrize(
    ("layer", "service", "command"),
    [
        (None, "till", "make destroy ENV=staging SERVICE=till ALLOW=staging"),
        ("health", "till", "make destroy ENV=staging LAYER=health SERVICE=till ALLOW=staging"),
        (None, "parcel-dispatcher", "make destroy ENV=staging SERVICE=parcel-dispatcher ALLOW=staging"),
        ("keys", None, "make destroy ENV=staging LAYER=keys ALLOW=staging"),
        (None, None, "make destroy ENV=staging ALLOW=staging"),
    ],
    ids=["a removed service", "one layer of it", "a service", "a layer", "everything"],
)
def test_the_advice_how_to_destroy_a_protected_environment_names_no_more_than_was_chosen(
    layer: str | None, service: str | None, command: str, in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def targets(**options: Any) -> list[Target]:
        return [replace(target(), layer=options["layer"], service=options["service"])]

    monkeypatch.setattr(selection, "targets", targets)
    monkeypatch.setattr(Target, "inventory", lambda chosen, removed: SimpleNamespace(protected=True))
    words = [*(["--layer", layer] if layer else []), *(["--service", service] if service else [])]
    result = CliRunner().invoke(main, ["destroy", "--env", "staging", *words])

    assert (result.exit_code, result.output.strip().endswith(f"To destroy it anyway: {command}")) == (3, True)


def test_what_was_chosen_of_an_environment_is_in_every_command_that_messages_recommend(in_project: Path) -> None:
    environment = read_configuration(CONFIGURATION).environment("staging")
    assert environment is not None
    chosen = open_target(
        environment, PROJECT / "out", layer="service", service="parcel-dispatcher", local=False, checked=False
    )

    assert chosen.command("plan") == "make plan ENV=staging LAYER=service SERVICE=parcel-dispatcher"


def test_a_removed_service_is_destroyed_by_its_own_stacks_alone(
    in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def inventory(removed: str | None) -> Any:
        asked.append(removed)
        raise ConfigurationError("no service")

    def targets(**options: Any) -> list[Any]:
        asked.append(options["service"])
        return [SimpleNamespace(inventory=inventory)]

    monkeypatch.setattr(selection, "targets", targets)
    result = CliRunner().invoke(main, ["destroy", "--env", "staging", "--service", "till"])

    assert (result.exit_code, asked) == (2, [None, "till"])


@pytest.mark.parametrize(("words", "shown"), [([], True), (["--env", "all"], True), (["--env", "staging"], False)])
def test_the_state_of_everything_has_what_is_not_in_the_configuration(
    words: list[str], shown: bool, in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "targets", lambda **options: [target()])
    result = CliRunner().invoke(main, ["status", "--json", *words])

    found = json.loads(result.stdout)
    assert ("shipping/qa in 222222222222 and eu-central-1" in found) is shown
    if shown:
        (row,) = found["old-name/staging in 222222222222 and eu-central-1"]
        assert (row["stack"], row["text"]) == ("old-name-staging-keys", "not in the configuration")
