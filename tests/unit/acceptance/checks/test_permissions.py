"""The roles that deploy with the printed policies and with nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.acceptance.check import CheckFailed
from cicd_templates.acceptance.checks.permissions import remove_roles, use_printed_policies
from cicd_templates.acceptance.commands import Answer
from cicd_templates.acceptance.roles import ATTEMPTS
from tests.fakes.answering_aws import denied, missing
from tests.unit.acceptance.check_context import ACCESS, check_context

POLICIES = {"acceptance-x-deploy-1": {"Version": "2012-10-17", "Statement": []}, "acceptance-x-deploy-2": {}}
DATE = "2026-01-01"
ROLE = {"Role": {"Path": "/", "RoleName": "r", "RoleId": "A" * 16, "Arn": "a" * 20, "CreateDate": DATE}}


def doctor(*words: str) -> Answer:
    environment = words[0]
    caller = f"arn:aws:sts::1:assumed-role/acceptance-{environment}-abcde-acceptance/cicd-templates"
    rows = [{"subject": "region", "finding": "eu"}, {"subject": "credentials", "finding": caller}]
    return Answer(0, json.dumps({f"{environment}-abcde": rows}))


def iam(**answers: Any) -> dict[str, Any]:
    return {
        "iam.create_role": ROLE,
        "iam.create_policy": {"Policy": {}},
        "iam.attach_role_policy": {},
        **{f"iam.{name}": answer for name, answer in answers.items()},
    }


def commands(**answers: Any) -> dict[str, Any]:
    return {"deploy-policy": Answer(0, json.dumps(POLICIES)), "doctor": doctor, **answers}


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({}, id="new"),
        pytest.param(
            {"create_role": missing("EntityAlreadyExists"), "create_policy": missing("EntityAlreadyExists")},
            id="made before the check was interrupted",
        ),
    ],
)
def test_every_environment_gets_a_role_with_the_printed_policies(tmp_path: Path, answers: dict[str, Any]) -> None:
    made = check_context(tmp_path, commands(), iam(**answers))

    assert use_printed_policies(made).startswith("6 printed policies of 3 environments are attached to 3 roles")
    role = "arn:aws:iam::111111111111:role/acceptance-tools-abcde-acceptance"
    assert made.facts["settings"]["roles"]["tools"] == role
    calls = made.clients("tools").calls
    attached = [request["PolicyArn"] for call, request in calls if call == "iam.attach_role_policy"]
    assert "arn:aws:iam::222222222222:policy/acceptance-x-deploy-2" in attached
    trust = [request["AssumeRolePolicyDocument"] for call, request in calls if call == "iam.create_role"]
    assert '"AWS": ["arn:aws:iam::222222222222:root"]' in trust[0]
    typed = [words.split()[0] for words in made.commands.typed]
    assert typed[:5] == ["render", "deploy-policy", "deploy-policy", "deploy-policy", "render"]
    assert made.facts["settings"]["rollout"] == "rolling"


def test_the_policies_are_printed_for_the_hooks_of_a_blue_green_rollout(tmp_path: Path) -> None:
    rollouts: list[bool] = []

    def printed(*words: str) -> Answer:
        rollouts.append("blue-green" in (tmp_path / "templates/environments.toml").read_text())
        return Answer(0, json.dumps(POLICIES))

    use_printed_policies(check_context(tmp_path, commands(**{"deploy-policy": printed}), iam()))
    assert rollouts == [True] * 3


def test_a_role_trusts_the_account_of_the_user_and_its_own(tmp_path: Path) -> None:
    made = check_context(tmp_path, commands(), iam())
    made.project.access["staging"] = replace(ACCESS["staging"], caller_account="999999999999")
    use_printed_policies(made)
    calls = made.clients("tools").calls
    trust = [request["AssumeRolePolicyDocument"] for call, request in calls if call == "iam.create_role"]
    assert '"AWS": ["arn:aws:iam::222222222222:root", "arn:aws:iam::999999999999:root"]' in trust[0]


def test_an_error_of_iam_is_not_taken_for_what_exists(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="not yours"):
        use_printed_policies(check_context(tmp_path, commands(), iam(create_role=denied())))


def test_a_role_that_cannot_be_assumed_yet_is_waited_for(tmp_path: Path) -> None:
    answers = [Answer(2, "", "cannot be assumed"), Answer(1, "no JSON"), doctor("staging")]
    made = check_context(tmp_path, commands(**{"doctor staging": answers}), iam())
    began = made.clock()

    use_printed_policies(made)
    assert made.clock() - began == 20


def test_a_role_that_never_can_be_assumed_is_a_failure(tmp_path: Path) -> None:
    made = check_context(tmp_path, commands(doctor=Answer(2, "", "cannot be assumed")), iam())

    with pytest.raises(CheckFailed, match="the role that deploys staging cannot be assumed"):
        use_printed_policies(made)
    assert made.facts["settings"]["roles"] == {}
    assert sum(typed.startswith("doctor") for typed in made.commands.typed) == ATTEMPTS


def test_another_caller_than_the_role_is_a_failure(tmp_path: Path) -> None:
    rows = [{"subject": "credentials", "finding": "arn:aws:iam::222222222222:root"}]
    made = check_context(tmp_path, commands(doctor=Answer(0, json.dumps({"staging-abcde": rows}))), iam())

    with pytest.raises(CheckFailed, match="`doctor` did not use the credentials of the role that deploys staging"):
        use_printed_policies(made)


def test_the_role_and_its_policies_are_removed_and_nothing_else(tmp_path: Path) -> None:
    names = ["acceptance-staging-abcde-deploy-1", "somebody-elses"]
    policies = [{"PolicyName": name, "Arn": f"arn:aws:iam::222222222222:policy/{name}"} for name in names]
    answers = iam(
        list_attached_role_policies={"AttachedPolicies": [{"PolicyArn": policies[0]["Arn"]}]},
        detach_role_policy={},
        delete_role={},
        delete_policy={},
        list_policies=[{"Policies": policies}],
    )
    made = check_context(tmp_path, aws=answers)

    assert remove_roles(made, "staging") == 2
    deleted = [request["PolicyArn"] for call, request in made.clients("staging").calls if call == "iam.delete_policy"]
    assert deleted == [policies[0]["Arn"]]


@pytest.mark.parametrize(("error", "raises"), [(missing("NoSuchEntity"), False), (denied(), True)])
def test_a_role_that_is_gone_already_is_no_error(tmp_path: Path, error: ClientError, raises: bool) -> None:
    made = check_context(tmp_path, aws=iam(list_attached_role_policies=error, list_policies=[{"Policies": []}]))
    if raises:
        with pytest.raises(ClientError):
            remove_roles(made, "staging")
    else:
        assert remove_roles(made, "staging") == 0
