"""The end of a run: what is destroyed and removed, in which order, and the proof an hour later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cicd_templates.acceptance.check import CheckFailed, NotYet
from cicd_templates.acceptance.checks import destruction
from cicd_templates.acceptance.commands import Answer, CommandFailed
from tests.fakes.answering_aws import missing
from tests.unit.acceptance.bench import SUFFIX, bench, stack, stacks

LISTED = "cloudformation.list_stacks"
OURS = "arn:aws:acm:eu-central-1:222222222222:certificate/1"


def acm(*arns: str) -> dict[str, Any]:
    return {
        "acm.list_certificates": {"CertificateSummaryList": [{"CertificateArn": arn} for arn in arns]},
        "acm.list_tags_for_certificate": {"Tags": [{"Key": "acceptance-run", "Value": SUFFIX}]},
        "acm.delete_certificate": {},
    }


@pytest.mark.parametrize("deployed", [True, False])
def test_the_pipeline_goes_first_and_production_gives_up_its_protection(tmp_path: Path, deployed: bool) -> None:
    name = "acceptance-production-abcde-keys"
    exists = {name} if deployed else set()
    unprotected: list[str] = []

    def destroy(*words: str) -> Answer:
        if words[0] == "production":
            exists.clear()
        return Answer(0, "")

    def unprotect(**request: Any) -> dict[str, Any]:
        unprotected.append(request["StackName"])
        return {}

    answers = {
        LISTED: lambda **request: stacks(*(stack(each, "CREATE_COMPLETE") for each in exists)),
        "cloudformation.update_termination_protection": unprotect,
    }
    made = bench(tmp_path, {"destroy": destroy}, answers)

    assert "every environment is destroyed" in destruction.destroy_all(made)
    assert [typed.split(" --")[0] for typed in made.commands.typed] == [
        "destroy tools", "render", *["plan production"] * deployed, "destroy production", "destroy staging",
    ]  # fmt: skip
    assert 'protection = "protected"' not in (tmp_path / "templates/environments.toml").read_text()
    assert unprotected == [name] * deployed
    assert made.facts["destroyed at"] == made.clock()


def test_a_stack_that_is_left_is_a_failure(tmp_path: Path) -> None:
    made = bench(tmp_path, aws={LISTED: stacks(stack("acceptance-tools-abcde-keys", "DELETE_FAILED"))})

    with pytest.raises(CheckFailed, match="1 stacks of tools are left"):
        destruction.destroy_all(made)


def test_what_the_checks_made_is_removed(tmp_path: Path) -> None:
    answers = {
        **acm(OURS),
        "iam.list_attached_role_policies": missing("NoSuchEntity"),
        "iam.list_policies": [{"Policies": []}],
    }
    made = bench(tmp_path, aws=answers)

    assert "are removed" in destruction.remove_own(made)
    deleted = [request for call, request in made.clients("staging").calls if call == "acm.delete_certificate"]
    assert deleted == [{"CertificateArn": OURS}] * 2


@pytest.mark.parametrize(
    ("local", "later", "outcome"),
    [
        pytest.param(False, 0, NotYet, id="too early on AWS"),
        pytest.param(False, 3600, None, id="an hour later"),
        pytest.param(True, 0, None, id="at once on the local AWS"),
    ],
)
def test_the_proof_is_repeated_an_hour_later(
    tmp_path: Path, local: bool, later: float, outcome: type[Exception] | None
) -> None:
    made = bench(tmp_path, aws=acm(), local=local, facts={"settings": {"roles": {"tools": "gone"}}})
    made.facts["destroyed at"] = made.clock()
    made.pause(later)
    if outcome:
        with pytest.raises(outcome, match="in 60 minutes"):
            destruction.prove_again(made)
    else:
        assert "nothing of the run is left" in destruction.prove_again(made)
        assert made.facts["settings"]["roles"] == {}


@pytest.mark.parametrize(
    ("status", "arns", "outcome", "words"),
    [
        (Answer(1, "", "1 resource is left for an unknown reason"), [], CommandFailed, "unknown reason"),
        (Answer(0, ""), [OURS], CheckFailed, "staging: 1 certificates of the run are left"),
    ],
)
def test_what_is_left_an_hour_later_is_a_failure(
    tmp_path: Path, status: Answer, arns: list[str], outcome: type[Exception], words: str
) -> None:
    made = bench(tmp_path, {"status": status}, acm(*arns), local=True, facts={"destroyed at": 0.0})

    with pytest.raises(outcome, match=words):
        destruction.prove_again(made)
