"""Stacks that are no longer rendered: of removed services, removed environments and renamed projects."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, selection
from cicd_templates.cli.open_target import open_target
from cicd_templates.cli.removed_stacks import removed_note
from cicd_templates.cli.targets import Target
from cicd_templates.config.load import read_configuration
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.destruction.orphans import (
    RemovedStack,
    destroying_choices,
    find_removed_stacks,
    find_unknown_environments,
    labels_of_removed,
)
from cicd_templates.errors import ConfigurationError
from cicd_templates.files.paths import CONFIGURATION
from tests.conftest import PROJECT
from tests.fakes.answering_aws import FakeAws
from tests.projects.stacks import stacks_of

STAGING = stacks_of("staging")
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


def test_stacks_that_are_no_longer_rendered_are_found_by_their_tags() -> None:
    untagged = deployed("shipping-staging-by-hand", Layer="")

    assert find_removed_stacks(account(*STACKS, untagged), [KEYS]) == [
        RemovedStack("health-till", "health", "till"),
        RemovedStack("service-till", "service", "till"),
        RemovedStack("shipping-staging-by-hand"),
    ]


@pytest.mark.parametrize(
    ("layer", "service", "labels"),
    [
        (None, "till", {"health-till", "service-till"}),
        ("health", "till", {"health-till"}),
        ("claims", None, {"claims"}),
    ],
    ids=["a removed service", "one layer of it", "a removed layer"],
)
def test_a_removed_layer_or_service_is_chosen_by_its_tags(
    layer: str | None, service: str | None, labels: set[str]
) -> None:
    claims = deployed("shipping-staging-claims", Layer="claims")

    assert labels_of_removed(account(*STACKS, claims), [KEYS], layer, service) == labels


@pytest.mark.parametrize(
    ("layer", "service", "message"),
    [
        (
            None,
            "tll",
            "no stack of service 'tll' in staging is rendered or exists in AWS; did you mean till?",
        ),
        ("clams", None, "no stack of layer 'clams' in staging is rendered or exists in AWS; did you mean claims?"),
        ("claims", "till", "no stack of layer 'claims' and service 'till' in staging is rendered or exists"),
        ("network", None, "no stack of layer 'network' in staging is rendered or exists"),
    ],
    ids=["a service", "a layer", "a layer of a service", "a layer of another environment"],
)
def test_what_is_neither_rendered_nor_in_aws_is_refused(layer: str | None, service: str | None, message: str) -> None:
    claims = deployed("shipping-staging-claims", Layer="claims")
    with pytest.raises(ConfigurationError, match=message):
        labels_of_removed(account(*STACKS, claims), [KEYS], layer, service)


ALPHA = replace(KEYS, facts=KEYS.facts._replace(stack="shipping-staging-jobs-alpha", layer="jobs", service="alpha"))


@pytest.mark.parametrize(
    ("removed", "choices"),
    [
        (
            [RemovedStack("health-till", "health", "till"), RemovedStack("service-till", "service", "till")],
            ["SERVICE=till"],
        ),
        ([RemovedStack("claims", "claims"), RemovedStack("refunds", "refunds")], ["LAYER=claims", "LAYER=refunds"]),
        ([RemovedStack("claims-alpha", "claims", "alpha")], ["LAYER=claims SERVICE=alpha"]),
        ([RemovedStack("shipping-staging-by-hand")], []),
        ([RemovedStack("jobs", "jobs")], []),
    ],
    ids=["a service", "two layers", "a layer of a service that stays", "a stack without tags", "one stack became many"],
)
def test_no_choice_of_removed_stacks_chooses_a_rendered_one(removed: list[RemovedStack], choices: list[str]) -> None:
    found = destroying_choices(removed, [KEYS, ALPHA])

    assert [" ".join(f"{name}={value}" for name, value in choice.items()) for choice in found] == choices


@pytest.mark.parametrize(
    ("stacks", "note"),
    [
        (
            STACKS,
            "staging: no longer rendered, and still in AWS: health-till, service-till; to delete them:"
            " `make destroy ENV=staging SERVICE=till`",
        ),
        (
            [deployed("shipping-staging-claims", Layer="claims")],
            "staging: no longer rendered, and still in AWS: claims; to delete it:"
            " `make destroy ENV=staging LAYER=claims`",
        ),
        (
            [deployed("shipping-staging-ingress-till", Layer="ingress", Service="till")],
            "staging: no longer rendered, and still in AWS: ingress-till; to delete it:"
            " `make destroy ENV=staging SERVICE=till`; delete ingress-till before you deploy a listener rule"
            " with the same priority, or AWS refuses the new rule; if you renamed a service, see docs/make-it-yours.md",
        ),
        (
            [deployed("by-hand", Layer="")],
            "staging: no longer rendered, and still in AWS: by-hand",
        ),
    ],
    ids=["a service", "a layer", "a listener rule", "a stack that no command chooses"],
)
def test_the_note_about_removed_stacks_has_the_commands_that_delete_them(
    stacks: list[dict[str, Any]], note: str
) -> None:
    chosen = target(*stacks)

    assert removed_note(chosen, find_removed_stacks(chosen.clients, chosen.stacks)) == note


def test_the_inventory_of_a_removed_layer_or_service_has_its_stacks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        "cicd_templates.cli.targets.take_inventory", lambda *_, **options: asked.append(options["labels"])
    )
    removed = replace(target(), chosen=[])
    replace(removed, service="till").inventory()
    replace(removed, layer="health", service="till").inventory()
    target().inventory()

    assert asked == [{"health-till", "service-till"}, {"health-till"}, None]


@pytest.mark.parametrize(
    ("words", "stacks", "named"),
    [([], STACKS, 1), ([], STACKS[:1], 0), (["--layer", "keys"], STACKS, 0)],
    ids=["everything", "nothing was removed", "a part of the environment"],
)
def test_a_plan_of_everything_names_what_is_no_longer_rendered(
    words: list[str], stacks: list[dict[str, Any]], named: int, in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[Any] = []
    monkeypatch.setattr(selection, "targets", lambda **options: [target(*stacks)])
    monkeypatch.setattr(Target, "plan", lambda *_, removed, **options: planned.append(removed))
    result = CliRunner().invoke(main, ["plan", "--env", "staging", *words])

    assert (result.exit_code, planned) == (0, [["health-till", "service-till"] if named else []])
    assert result.output.count("to delete them: `make destroy ENV=staging SERVICE=till`") == named


@pytest.mark.parametrize("layers", [["claims"], []], ids=["a removed layer", "nothing"])
def test_status_shows_the_command_that_deletes_what_is_no_longer_rendered(
    layers: list[str], in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = [deployed(f"shipping-staging-{layer}", Layer=layer) for layer in layers]
    monkeypatch.setattr(selection, "targets", lambda **options: [target(STACKS[0], *removed)])
    result = CliRunner().invoke(main, ["status", "--env", "staging"])

    assert (result.exit_code, [line for line in result.stdout.splitlines() if "no longer rendered" in line]) == (
        0,
        [
            f"staging: no longer rendered, and still in AWS: {layer}; to delete it:"
            f" `make destroy ENV=staging LAYER={layer}`"
            for layer in layers
        ],
    )


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
    monkeypatch.setattr(Target, "inventory", lambda chosen: SimpleNamespace(protected=True))
    words = [*(["--layer", layer] if layer else []), *(["--service", service] if service else [])]
    result = CliRunner().invoke(main, ["destroy", "--env", "staging", *words])

    assert (result.exit_code, result.output.strip().endswith(f"To destroy the environment anyway: {command}")) == (
        3,
        True,
    )


def test_what_was_chosen_of_an_environment_is_in_every_command_that_messages_recommend(in_project: Path) -> None:
    environment = read_configuration(CONFIGURATION).environment("staging")
    assert environment is not None
    chosen = open_target(
        environment, PROJECT / "out", layer="service", service="parcel-dispatcher", local=False, checked=False
    )

    assert chosen.command("plan") == "make plan ENV=staging LAYER=service SERVICE=parcel-dispatcher"


@pytest.mark.parametrize("removed", [True, False])
def test_only_a_destruction_may_choose_what_is_no_longer_rendered(removed: bool, in_project: Path) -> None:
    environment = read_configuration(CONFIGURATION).environment("staging")
    assert environment is not None
    open_claims = partial(
        open_target,
        environment,
        PROJECT / "out",
        layer="claims",
        service=None,
        local=False,
        checked=False,
        removed=removed,
    )
    if removed:
        assert open_claims().chosen == []
    else:
        with pytest.raises(ConfigurationError, match="there is no stack of layer 'claims'; the layers are"):
            open_claims()


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
