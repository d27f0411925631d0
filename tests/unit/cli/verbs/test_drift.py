"""The output of `drift` for people and for programs, and its exit codes."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cicd_templates.cli import main, selection
from tests.fakes.answering_aws import denied
from tests.fakes.simulated_aws import Clock
from tests.unit.deploy.change_sets.test_drift import KEYS, NETWORK, ROTATION, aws, drifted, gone, resource


def drift(monkeypatch: pytest.MonkeyPatch, fake: Any, *words: str) -> Result:
    target = SimpleNamespace(
        environment="staging",
        clients=fake,
        stacks=[KEYS, NETWORK],
        chosen=[KEYS, NETWORK],
        polling=Clock().polling(),
        command=lambda verb: f"make {verb} ENV=staging",
    )
    monkeypatch.setattr(selection, "targets", lambda **options: [target])
    return CliRunner().invoke(main, ["drift", "--env", "staging", *words])


def first_only(answer: Any) -> Any:
    """Return drift for the first stack, and none for the others."""
    answers = iter([answer])
    return lambda **request: {"StackResourceDrifts": next(answers, [])}


UNREAD = drifted("UNKNOWN", reason="not yours")


@pytest.mark.parametrize(
    ("answers", "code", "lines", "error"),
    [
        pytest.param({}, 0, ["  keys: as in its template", "  network: as in its template"], "", id="none"),
        pytest.param(
            {"describe_stack_resource_drifts": first_only([drifted("MODIFIED", ROTATION)])},
            4,
            ["  keys: 1 resource changed outside CloudFormation", "  network: as in its template"],
            "1 resource changed outside CloudFormation",
            id="drift",
        ),
        pytest.param(
            {"describe_stack_resource_drifts": first_only([drifted("DELETED"), UNREAD])},
            4,
            ["  keys: 1 resource changed outside CloudFormation; 1 resource could not be read"],
            "1 resource changed outside CloudFormation; 1 stack could not be checked completely",
            id="drift and a resource that could not be read",
        ),
        pytest.param(
            {"describe_stack_resource_drifts": first_only([UNREAD])},
            1,
            ["  keys: 1 resource could not be read"],
            "no drift was found, but 1 stack could not be checked completely: keys",
            id="only a resource that could not be read",
        ),
        pytest.param(
            {"detect_stack_drift": denied("DetectStackDrift")},
            1,
            [
                "  keys: not checked: An error occurred (AccessDenied) when calling the DetectStackDrift operation:"
                " not yours"
            ],
            "no drift was found, but 2 stacks could not be checked completely: keys, network",
            id="not allowed",
        ),
        pytest.param(
            {"describe_stacks": gone()},
            1,
            ["  keys: not deployed", "  network: not deployed"],
            "none of these stacks is deployed, so nothing was checked",
            id="nothing is deployed",
        ),
    ],
)
def test_each_result_has_its_line_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], code: int, lines: list[str], error: str
) -> None:
    result = drift(monkeypatch, aws(**answers))

    assert result.exit_code == code
    assert result.stdout.splitlines()[0] == "staging"
    assert set(lines) <= set(result.stdout.splitlines())
    assert result.stderr == (f"error: {error}\n" if error else "")


def test_a_changed_property_is_shown_with_what_can_be_done_about_it(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = first_only([drifted("MODIFIED", ROTATION)])
    result = drift(monkeypatch, aws(describe_stack_resource_drifts=changed))

    assert f"      Key (AWS::KMS::Key) at {KEYS.path}:" in result.stdout
    assert "/EnableKeyRotation is false instead of true" in result.stdout
    assert result.stdout.splitlines()[-1] == (
        "  put the changes into templates/, or plan to revert them: `make plan ENV=staging REVERT_DRIFT=1`"
    )


@pytest.mark.parametrize(("local", "checker"), [(False, "CloudFormation"), (True, "the local AWS")])
def test_types_that_are_never_checked_are_named_once(
    monkeypatch: pytest.MonkeyPatch, local: bool, checker: str
) -> None:
    alias = {"StackResourceSummaries": [resource("Alias", "AWS::KMS::Alias", "NOT_CHECKED")]}
    fake = aws(list_stack_resources=alias)
    fake.endpoint_url = "http://127.0.0.1:4566" if local else None
    result = drift(monkeypatch, fake)

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == (
        f"  {checker} does not check resources of these types for drift: AWS::KMS::Alias (2)"
    )


def test_a_machine_gets_the_same_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = first_only([drifted("MODIFIED", ROTATION)])
    alias = {"StackResourceSummaries": [resource("Alias", "AWS::KMS::Alias", "NOT_CHECKED")]}
    fake = aws(describe_stack_resource_drifts=changed, list_stack_resources=alias)
    result = drift(monkeypatch, fake, "--json")

    keys, network = json.loads(result.stdout)["staging"]
    assert keys["resources"][0]["differences"] == [
        {"path": "/EnableKeyRotation", "expected": "true", "actual": "false"}
    ]
    assert keys["unsupported"] == {"AWS::KMS::Alias": 1}
    assert (network["stack"], network["resources"], result.exit_code) == ("network", [], 4)
