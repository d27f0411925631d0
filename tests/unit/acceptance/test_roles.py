"""The roles of people who use the pipeline: they have the policies of the layer `access`, and exist until the end."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.acceptance.check import CheckFailed
from cicd_templates.acceptance.commands import Answer, CommandFailed
from cicd_templates.acceptance.roles import ATTEMPTS, DEVELOPERS, acting_as, remove_people
from tests.fakes.answering_aws import denied, missing
from tests.unit.acceptance.check_context import KEYS, PEOPLE, check_context

DEPLOYER = "arn:aws:iam::111111111111:role/deployer"
PERSON = "arn:aws:iam::111111111111:role/acceptance-tools-abcde-developers"
FACTS: dict[str, Any] = {"settings": {"roles": {"tools": DEPLOYER}}}


def role_in(folder: Path) -> str:
    configuration = tomllib.loads((folder / "templates/environments.toml").read_text())
    return str(configuration["environments"]["tools"]["role_arn"])


def test_a_command_is_run_as_a_developer_and_later_ones_as_the_deployer(tmp_path: Path) -> None:
    answers = [denied(), denied(), {"Credentials": KEYS}]
    aws = PEOPLE | {"sts.assume_role": lambda **request: answers.pop(0)}
    made = check_context(tmp_path, aws=aws, facts=dict(FACTS))
    began = made.clock()
    with acting_as(made, DEVELOPERS):
        assert role_in(tmp_path) == PERSON
    assert role_in(tmp_path) == DEPLOYER
    assert made.clock() - began == 30, "two attempts, and the time until its policy counts"
    calls = made.clients("tools").calls
    attached = [request["PolicyArn"] for call, request in calls if call == "iam.attach_role_policy"]
    assert attached == ["arn:aws:iam::111111111111:policy/acceptance-tools-abcde-shop-developers"]
    # The second use neither waits nor fails because the role exists.
    made.clients("tools").answers["iam.create_role"] = missing("EntityAlreadyExists")
    with acting_as(made, DEVELOPERS):
        pass
    assert made.clock() - began == 30


def test_a_command_that_fails_as_a_developer_leaves_the_deployer(tmp_path: Path) -> None:
    made = check_context(tmp_path, {"release": Answer(1, "")}, PEOPLE, facts=dict(FACTS))
    with pytest.raises(CommandFailed), acting_as(made, DEVELOPERS):
        made.commands.run("release")
    assert role_in(tmp_path) == DEPLOYER


def test_a_role_of_a_person_that_cannot_be_assumed_is_a_failure(tmp_path: Path) -> None:
    made = check_context(tmp_path, aws=PEOPLE | {"sts.assume_role": denied()})
    with pytest.raises(CheckFailed, match="cannot assume a new role"), acting_as(made, DEVELOPERS):
        pass
    assert [call for call, _ in made.clients("tools").calls].count("sts.assume_role") == ATTEMPTS


def test_another_error_of_sts_is_not_waited_for(tmp_path: Path) -> None:
    made = check_context(tmp_path, aws=PEOPLE | {"sts.assume_role": missing("RegionDisabledException")})
    with pytest.raises(ClientError, match="RegionDisabled"), acting_as(made, DEVELOPERS):
        pass


def test_the_roles_of_people_are_detached_from_their_policies_and_deleted(tmp_path: Path) -> None:
    def attached(**request: Any) -> Any:
        if request["RoleName"].endswith("auditors"):
            return missing("NoSuchEntity")
        return {"AttachedPolicies": [{"PolicyName": "p", "PolicyArn": "arn:aws:iam::1:policy/p"}]}

    aws = {
        "iam.list_attached_role_policies": attached,
        "iam.detach_role_policy": {},
        "iam.delete_role": {},
    }
    made = check_context(tmp_path, aws=aws, facts={"usable roles": [PERSON]})
    remove_people(made)

    calls = [(call, request["RoleName"]) for call, request in made.clients("tools").calls]
    name = "acceptance-tools-abcde-developers"
    assert calls[:3] == [
        (f"iam.{call}", name) for call in ("list_attached_role_policies", "detach_role_policy", "delete_role")
    ]
    assert len(calls) == 4
    assert made.facts == {}
