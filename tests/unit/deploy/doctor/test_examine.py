"""All checks run in their order, and no check stops the others."""

from __future__ import annotations

import pytest

from cicd_templates.deploy.doctor import Check, examine, identity
from cicd_templates.deploy.doctor.examine import CHECKS
from tests.fakes.answering_aws import FakeAws, denied
from tests.unit.deploy.doctor.doctor_fixtures import STAGING, TOOLS, aws, examined, reserving


def test_every_check_of_an_account_without_problems_is_ok() -> None:
    fake = aws({"iam.get_role": lambda RoleName: {"Role": role(RoleName)}})  # noqa: N803 - AWS's word
    seen = list(examine(examined(fake, [stack for stack in STAGING if stack.layer in ("keys", "cluster")])))

    assert [check.subject for check in seen if check.status != "ok"] == []
    assert [check.subject for check in seen] == [
        "Python",
        "credentials",
        "region",
        "service-linked role",
        "service-linked role",
        "certificate",
        "names",
    ]


def role(name: str) -> dict[str, object]:
    from tests.unit.deploy.plans.test_name_collisions import ROLE

    return {**ROLE, "RoleName": name}


def test_what_may_not_be_read_is_reported_and_the_rest_goes_on() -> None:
    fake = FakeAws({"sts.get_caller_identity": {"Account": "222222222222", "Arn": "me" * 10, "UserId": "u"}})
    seen = {check.subject: check for check in examine(examined(fake))}

    assert seen["region"].status == "?"
    assert seen["region"].finding.startswith("not readable: An error occurred (AccessDenied)")
    assert seen["names"].status == "?"
    assert {check.status for check in seen.values()} == {"ok", "?"}


def test_a_fix_on_the_local_aws_goes_there() -> None:
    failed = {"Status": "FAILED", "CertificateArn": "arn:aws:acm:eu-central-1:222222222222:certificate/1"}
    fake = aws({"acm.describe_certificate": {"Certificate": failed}})
    fake.endpoint_url = "http://127.0.0.1:4566"
    stacks = [stack for stack in STAGING if stack.layer == "cluster"]
    (fix,) = [check.fix for check in examine(examined(fake, stacks)) if check.fix]

    assert fix.startswith(
        "AWS_ACCESS_KEY_ID=222222222222 AWS_SECRET_ACCESS_KEY=$(jq -r .secret .state/local.json) aws --endpoint-url http://127.0.0.1:4566"
        " acm request-certificate --region "
    )


@pytest.mark.parametrize(
    ("answer", "fix"),
    [
        (denied("GetCallerIdentity"), "An error occurred (AccessDenied)"),
        (
            {"Account": "999999999999", "Arn": "arn:aws:iam::999999999999:user/me"},
            "the credentials are for account 999",
        ),
    ],
    ids=["none", "of another account"],
)
def test_without_usable_credentials_nothing_else_is_asked(answer: object, fix: str) -> None:
    fake = FakeAws({"sts.get_caller_identity": answer})
    seen = list(examine(examined(fake)))

    assert [check.subject for check in seen] == ["Python", "credentials"]
    assert seen[1].fix.startswith(fix)
    assert len(fake.calls) == 1


def test_nothing_is_changed_in_the_account() -> None:
    fake = aws(deployed=True)
    fake.answers["sts.get_caller_identity"] = {"Account": "111111111111", "Arn": "arn:aws:iam::111111111111:user/me"}
    assert len(list(examine(examined(fake, [reserving(stack) for stack in TOOLS])))) >= len(CHECKS)

    verbs = {call.partition(".")[2].partition("_")[0] for call, _ in fake.calls}
    assert verbs <= {"get", "list", "describe", "batch", "head"}


@pytest.mark.parametrize(
    ("regions", "finding", "fix"),
    [
        ([{"RegionName": "eu-central-1", "OptInStatus": "opted-in"}], "eu-central-1", ""),
        ([{"RegionName": "eu-central-1"}], "eu-central-1", ""),
        (
            [{"RegionName": "eu-central-1", "OptInStatus": "not-opted-in"}],
            "eu-central-1 is not-opted-in",
            "aws account enable-region --region-name eu-central-1",
        ),
        ([], "AWS has no region eu-central-1", "correct `region` in templates/environments.toml"),
    ],
    ids=["opted in", "an AWS that does not say", "off", "unknown"],
)
def test_a_region_has_to_be_one_that_the_account_uses(regions: list[object], finding: str, fix: str) -> None:
    fake = aws({"ec2.describe_regions": {"Regions": regions}})

    assert list(identity.check_region(examined(fake))) == [Check("region", finding, fix)]


@pytest.mark.parametrize(
    ("regions", "status", "finding"),
    [
        ([{"RegionName": "eu-central-1"}], "ok", "eu-central-1"),
        ([{"RegionName": "us-east-1"}], "?", "eu-central-1 is not known on the local AWS"),
    ],
    ids=["known", "of another partition"],
)
def test_a_region_that_the_local_aws_does_not_know_is_no_mistake(
    regions: list[object], status: str, finding: str
) -> None:
    fake = aws({"ec2.describe_regions": {"Regions": regions}})
    fake.endpoint_url = "http://127.0.0.1:4566"

    (check,) = identity.check_region(examined(fake))
    assert (check.status, check.finding, check.fix) == (status, finding, "")
