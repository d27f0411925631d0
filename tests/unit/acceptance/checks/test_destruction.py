"""The end of a run: what is destroyed and removed, in which order, and the proof an hour later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.acceptance.check import CheckFailed, CheckMustWait
from cicd_templates.acceptance.checks import certificates, destruction
from cicd_templates.acceptance.commands import Answer, CommandFailed
from cicd_templates.errors import DetachedError
from tests.fakes.answering_aws import FakeAws, missing
from tests.unit.acceptance.check_context import SUFFIX, check_context, stack, stacks

LISTED = "cloudformation.list_stacks"
OURS = "arn:aws:acm:eu-central-1:222222222222:certificate/1"


def acm(*arns: str) -> dict[str, Any]:
    return {
        "acm.list_certificates": {"CertificateSummaryList": [{"CertificateArn": arn} for arn in arns]},
        "acm.list_tags_for_certificate": {"Tags": [{"Key": "acceptance-run", "Value": SUFFIX}]},
        "acm.delete_certificate": {},
    }


def rendered(folder: Path, *layers: str) -> None:
    place = folder / "build/abcde/production-abcde"
    place.mkdir(parents=True)
    for layer in layers:
        (place / f"{layer}.yaml").write_text("")


def of_production(*statuses: str) -> dict[str, Any]:
    layers = ("keys", "service-shop", "storage")
    return stacks(
        *(
            stack(f"acceptance-production-abcde-{layer}", status)
            for layer, status in zip(layers, statuses, strict=False)
        )
    )


# No role of a person exists.
NOBODY: dict[str, Any] = {"iam.list_attached_role_policies": missing("NoSuchEntity")}
UNPROTECT = "cloudformation.update_termination_protection"


@pytest.mark.parametrize(
    ("statuses", "facts", "plans"),
    [
        pytest.param(["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"], {}, ["keys", "service"], id="not whole"),
        pytest.param(
            ["CREATE_COMPLETE", "UPDATE_ROLLBACK_FAILED", "UPDATE_COMPLETE"], {}, ["keys", "storage"], id="broken"
        ),
        pytest.param(["CREATE_COMPLETE", "DELETE_FAILED"], {"unprotected": True}, [], id="half destroyed"),
    ],
)
def test_of_a_production_that_is_not_whole_only_stacks_that_can_be_updated_are_deployed_again(
    tmp_path: Path, statuses: list[str], facts: dict[str, Any], plans: list[str]
) -> None:
    rendered(tmp_path, "keys", "service-shop", "storage")
    made = check_context(tmp_path, aws={**NOBODY, LISTED: of_production(*statuses), UNPROTECT: {}}, facts=dict(facts))

    with pytest.raises(CheckFailed, match=r"^\d stacks of production are left$"):
        destruction.destroy_all(made)
    planned = [typed.split()[3] for typed in made.commands.typed if typed.startswith("plan")]
    assert planned == plans
    assert made.facts["unprotected"]
    assert "destroyed at" not in made.facts
    assert made.commands.typed[-2:] == ["destroy production --yes", "destroy staging --yes"]
    calls = [call for call, _ in made.clients("production").calls]
    assert calls.count(UNPROTECT) == len(statuses)


@pytest.mark.parametrize(
    ("commands", "refusal", "problem"),
    [
        pytest.param({"destroy tools": Answer(1, "", "a role is denied")}, {}, "with 1: a role is denied", id="tools"),
        pytest.param({"plan": Answer(1, "", "no lock")}, {}, "`plan` ended with 1: no lock", id="the deployment"),
        pytest.param({}, missing("ValidationError"), "ValidationError", id="termination protection"),
    ],
)
def test_a_step_of_the_destruction_that_fails_does_not_keep_staging_alive(
    tmp_path: Path, commands: dict[str, Any], refusal: Any, problem: str
) -> None:
    rendered(tmp_path, "keys")
    answers = {LISTED: of_production("CREATE_COMPLETE"), UNPROTECT: refusal}
    made = check_context(tmp_path, commands, NOBODY | answers)

    with pytest.raises(CheckFailed, match=rf"{problem}.*; 1 stacks of production are left"):
        destruction.destroy_all(made)
    assert made.commands.typed[-1] == "destroy staging --yes"


def test_a_destruction_that_must_stop_stops_at_once(tmp_path: Path) -> None:
    def stop(*words: str) -> Answer:
        raise DetachedError("still under way")

    made = check_context(tmp_path, {"destroy": stop}, NOBODY)
    with pytest.raises(DetachedError):
        destruction.destroy_all(made)
    assert made.commands.typed == ["destroy tools --yes"]


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

    rendered(tmp_path, "keys")
    answers = {
        LISTED: lambda **request: stacks(*(stack(each, "CREATE_COMPLETE") for each in exists)),
        "cloudformation.update_termination_protection": unprotect,
    }
    made = check_context(tmp_path, {"destroy": destroy}, NOBODY | answers)

    assert "every environment is destroyed" in destruction.destroy_all(made)
    assert "--layer" not in " ".join(made.commands.typed)
    assert [typed.split(" --")[0] for typed in made.commands.typed] == [
        "destroy tools", "render", *["plan production"] * deployed, "destroy production", "destroy staging",
    ]  # fmt: skip
    assert 'protection = "protected"' not in (tmp_path / "templates/environments.toml").read_text()
    assert unprotected == [name] * deployed
    assert made.facts["destroyed at"] == made.clock()


def test_a_stack_that_is_left_is_a_failure(tmp_path: Path) -> None:
    made = check_context(
        tmp_path, aws={**NOBODY, LISTED: stacks(stack("acceptance-tools-abcde-keys", "DELETE_FAILED"))}
    )

    with pytest.raises(CheckFailed, match="1 stacks of tools are left"):
        destruction.destroy_all(made)


def test_what_the_checks_made_is_removed(tmp_path: Path) -> None:
    answers = {
        **acm(OURS),
        LISTED: stacks(),
        "iam.list_attached_role_policies": missing("NoSuchEntity"),
        "iam.list_policies": [{"Policies": []}],
    }
    made = check_context(tmp_path, aws=answers)

    assert "are removed" in destruction.remove_own(made)
    deleted = [request for call, request in made.clients("staging").calls if call == "acm.delete_certificate"]
    assert deleted == [{"CertificateArn": OURS}] * 2


def test_what_an_environment_with_stacks_needs_is_kept(tmp_path: Path) -> None:
    deleted: list[str] = []

    def aws(name: str, *left: dict[str, Any]) -> FakeAws:
        def delete(**request: Any) -> dict[str, Any]:
            deleted.append(name)
            return {}

        answers = {
            **acm(OURS),
            "acm.delete_certificate": delete,
            LISTED: stacks(*left),
            "iam.list_attached_role_policies": {"AttachedPolicies": []},
            "iam.delete_role": delete,
            "iam.list_policies": {"Policies": []},
        }
        return FakeAws(answers)

    environments = ("staging", "production", "tools")
    clients = {name: aws(name) for name in environments}
    clients["production"] = aws("production", stack("acceptance-production-abcde-keys", "DELETE_FAILED"))
    facts = {"settings": {"roles": {name: f"arn:aws:iam::111111111111:role/{name}" for name in environments}}}
    made = check_context(tmp_path, aws=clients, facts=facts)

    with pytest.raises(CheckFailed, match="stacks of production still exist, so the resources"):
        destruction.remove_own(made)
    assert deleted == ["staging", "staging", "tools"]
    assert list(made.facts["settings"]["roles"]) == ["production"]


@pytest.mark.parametrize(
    ("refusals", "outcome"),
    [
        pytest.param([missing("ResourceInUseException")] * 3, None, id="in use for a time"),
        pytest.param([missing("ResourceInUseException")] * 20, CheckMustWait, id="in use for long"),
        pytest.param([missing("AccessDeniedException")], ClientError, id="refused"),
    ],
)
def test_a_certificate_that_is_still_in_use_is_waited_for(
    tmp_path: Path, refusals: list[Exception], outcome: type[Exception] | None
) -> None:
    answers = list(refusals)

    def delete(**request: Any) -> dict[str, Any]:
        if answers:
            raise answers.pop(0)
        return {}

    made = check_context(tmp_path, aws={**acm(OURS), "acm.delete_certificate": delete})
    began = made.clock()
    if outcome:
        with pytest.raises(outcome):
            certificates.remove_certificates(made, "staging")
    else:
        certificates.remove_certificates(made, "staging")
        assert made.clock() - began == 90
    assert answers == []


@pytest.mark.parametrize(
    ("local", "later", "outcome"),
    [
        pytest.param(False, 0, CheckMustWait, id="too early on AWS"),
        pytest.param(False, 3600, None, id="an hour later"),
        pytest.param(True, 0, None, id="at once on the local AWS"),
    ],
)
def test_the_proof_is_repeated_an_hour_later(
    tmp_path: Path, local: bool, later: float, outcome: type[Exception] | None
) -> None:
    made = check_context(tmp_path, aws=acm(), local=local, facts={"settings": {"roles": {"tools": "gone"}}})
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
    made = check_context(tmp_path, {"status": status}, acm(*arns), local=True, facts={"destroyed at": 0.0})

    with pytest.raises(outcome, match=words):
        destruction.prove_again(made)
