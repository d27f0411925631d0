"""The questions that only AWS can answer: caches, the spelling of paths and keys, and what a run costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.acceptance import estimate
from cicd_templates.acceptance.check import CheckFailed
from cicd_templates.acceptance.checks import CHECKS
from cicd_templates.acceptance.checks.builds import read_caches
from cicd_templates.acceptance.checks.costs import price_what_exists
from cicd_templates.acceptance.checks.spellings import encrypt_with_each_spelling, read_by_path
from tests.fakes.answering_aws import FakeAws, denied, missing
from tests.unit.acceptance.check_context import ACCESS, check_context, stack, stacks

ROLE = "arn:aws:iam::222222222222:role/deployer"
KEY = "arn:aws:kms:eu-central-1:111111111111:key/1"


def test_each_question_that_no_reading_settles_has_one_check() -> None:
    assert {check.name: check.question for check in CHECKS if check.question} == {
        "alarms-heard": "Is CloudWatch allowed to publish alarms to topics that use the environment's KMS key?",
        "pipeline-trust": "Does CodePipeline send aws:SourceAccount and aws:SourceArn when it assumes its role?",
        "report-group": "Which permissions does CodeBuild need for test reports?",
        "docker-in-build": "Does Docker work in the curated image of CodeBuild?",
        "typed-parameters": "Which role reads the parameters of a change set from Parameter Store?",
        "cloudformation-role": "Which permissions do the handlers of CloudFormation's resource types need?",
        "caches": "Do the build caches in S3 work without s3:ListBucket?",
        "parameters-by-path": "Must a policy name the path of GetParametersByPath with or without its last slash?",
        "key-spellings": (
            "If a bucket's policy names a KMS key by its ARN, may a request name the key by its id or alias?"
        ),
        "window-closed": "Does a closed deployment window hold the release, or does the stage fail?",
        "cost": "What does a run cost?",
    }


def project(folder: Path) -> None:
    place = folder / "build/abcde/tools-abcde"
    place.mkdir(parents=True)
    caches = {"unit-tests": {"Type": "S3"}, "bandit": {"Type": "S3"}, "image": {"Type": "LOCAL"}, "smoke-test": None}
    resources: dict[str, Any] = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
    for name, cache in caches.items():
        properties = {"Name": f"acceptance-tools-abcde-{name}", **({"Cache": cache} if cache else {})}
        resources[name] = {"Type": "AWS::CodeBuild::Project", "Properties": properties}
    (place / "build.yaml").write_text(json.dumps({"Resources": resources}))


def builds(counts: dict[str, int], logs: dict[str, list[str]]) -> dict[str, Any]:
    """Return the answers of CodeBuild and of its logs, with one line on each page and an empty page at the end."""

    def events(**request: Any) -> Any:
        lines, number = logs[request["logStreamName"]], int(request.get("nextToken", 0))
        token = str(min(number + 1, len(lines)))
        return {"events": [{"message": line} for line in lines[number : number + 1]], "nextForwardToken": token}

    def ids(**request: Any) -> Any:
        name = request["projectName"].removeprefix("acceptance-tools-abcde-")
        return [{"ids": [f"{name}:{number}"]} for number in range(1, counts[name] + 1)]

    def described(**request: Any) -> Any:
        return {
            "builds": [
                {"buildNumber": int(each.partition(":")[2]), "logs": {"groupName": "g", "streamName": each}}
                for each in request["ids"]
            ]
        }

    return {
        "codebuild.list_builds_for_project": ids,
        "codebuild.batch_get_builds": described,
        "logs.get_log_events": events,
    }


DOWNLOADED, NOTHING = ["Downloading S3 cache...", "Unarchiving cache..."], ["Downloading S3 cache...", "building"]


@pytest.mark.parametrize(
    ("counts", "logs", "expected"),
    [
        pytest.param(
            {"unit-tests": 2, "bandit": 3},
            {"unit-tests:2": DOWNLOADED, "bandit:3": ["Unpacking 9 bytes of compressed S3 cache"]},
            "yes: in 2 projects, the second build read the cache of the first build",
            id="read",
        ),
        pytest.param(
            {"unit-tests": 2, "bandit": 1},
            {"unit-tests:2": NOTHING},
            "no: the second builds of unit-tests did not read the cache",
            id="not read",
        ),
        pytest.param(
            {"unit-tests": 1, "bandit": 0}, {}, "inconclusive: no project with a cache was built twice", id="one"
        ),
    ],
)
def test_the_log_of_the_newest_build_says_whether_it_read_a_cache(
    tmp_path: Path, counts: dict[str, int], logs: dict[str, list[str]], expected: str
) -> None:
    project(tmp_path)
    made = check_context(tmp_path, aws=builds(counts, logs))
    if expected.startswith("yes"):
        assert read_caches(made) == expected
    else:
        with pytest.raises(CheckFailed, match=expected):
            read_caches(made)


def by_path(*allowed: str) -> FakeAws:
    """Return an AWS in which a session reads by path only if its policy has one of the resources `allowed`."""
    sessions: list[dict[str, Any]] = []

    def assume(**request: Any) -> Any:
        (statement,) = json.loads(request["Policy"])["Statement"]
        sessions.append(statement)
        keys = {"AccessKeyId": "A" * 16, "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "2026-01-01"}
        return {"Credentials": keys}

    def read(**request: Any) -> Any:
        assert request == {"Path": "/acceptance/staging-abcde/", "Recursive": True}
        return {"Parameters": []} if sessions[-1]["Resource"] in allowed else missing("AccessDeniedException")

    return FakeAws({"sts.assume_role": assume, "ssm.get_parameters_by_path": read})


PATH = "arn:aws:ssm:eu-central-1:222222222222:parameter/acceptance/staging-abcde"


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (
            [PATH],
            "IAM accepts the path without its last slash; `make deploy-policy` prints policies with both paths",
        ),
        ([f"{PATH}/"], "IAM accepts the path with its last slash; `make deploy-policy` prints"),
        ([PATH, f"{PATH}/"], "IAM accepts the path without its last slash and with its last slash;"),
        ([], "IAM denied the path both with and without"),
    ],
)
def test_sessions_with_one_spelling_each_show_what_iam_compares(
    tmp_path: Path, allowed: list[str], expected: str
) -> None:
    aws = by_path(*allowed)
    made = check_context(tmp_path, aws=dict.fromkeys(ACCESS, aws), facts={"settings": {"roles": {"staging": ROLE}}})
    if allowed:
        assert read_by_path(made).startswith(expected)
    else:
        with pytest.raises(CheckFailed, match=expected):
            read_by_path(made)


def bucket(*refused: str, error: ClientError | None = None) -> dict[str, Any]:
    def put(**request: Any) -> Any:
        assert request["Bucket"] == "acceptance-tools-abcde-cache"
        return (error or denied()) if request.get("SSEKMSKeyId", "none") in refused else {}

    values = {"KeyArn": KEY, "CacheBucketName": "acceptance-tools-abcde-cache"}
    return {
        "s3.put_object": put,
        "kms.describe_key": {"KeyMetadata": {"KeyId": "1"}},
        "ssm.get_parameter": lambda **request: {"Parameter": {"Value": values[request["Name"].rpartition("/")[2]]}},
    }


OTHER, ALIAS = "alias/aws/s3", "alias/acceptance-tools-abcde-key"


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        pytest.param(
            [OTHER, "1", ALIAS],
            "the key is accepted under these names: its ARN, the ARN of its alias; it is refused under these names:"
            " its id, its alias; every other key is refused",
            id="only ARNs",
        ),
        pytest.param(
            [OTHER],
            "the key is accepted under these names: its ARN, its id, its alias, the ARN of its alias; it is refused"
            " under these names: none",
            id="all",
        ),
        pytest.param([], "the bucket accepts a KMS key that is not", id="any key"),
        pytest.param([OTHER, KEY], "the bucket refuses the environment's own KMS key", id="not its own"),
        pytest.param(["none"], "inconclusive: your credentials may not write", id="no permission"),
    ],
)
def test_each_spelling_of_the_key_is_tried_and_another_key_is_refused(
    tmp_path: Path, refused: list[str], expected: str
) -> None:
    made = check_context(tmp_path, aws=bucket(*refused))
    if expected.startswith("the key"):
        assert encrypt_with_each_spelling(made).startswith(expected)
    else:
        with pytest.raises(CheckFailed, match=expected):
            encrypt_with_each_spelling(made)


def test_an_error_of_kms_is_no_refusal(tmp_path: Path) -> None:
    made = check_context(tmp_path, aws=bucket(OTHER, error=missing("KMS.NotFoundException")))

    with pytest.raises(ClientError, match=r"KMS\.NotFoundException"):
        encrypt_with_each_spelling(made)


def existing(**counts: int) -> dict[str, Any]:
    resources = [
        {
            "LogicalResourceId": f"R{number}",
            "ResourceType": name.replace("_", "::"),
            "LastUpdatedTimestamp": "2026-01-01",
            "ResourceStatus": "CREATE_COMPLETE",
        }
        for name, count in counts.items()
        for number in range(count)
    ]
    listed = stacks(stack("acceptance-staging-abcde-network", "CREATE_COMPLETE"))
    return {
        "cloudformation.list_stacks": listed,
        "cloudformation.list_stack_resources": [{"StackResourceSummaries": [each]} for each in resources],
    }


def test_the_price_is_of_what_exists_for_the_time_that_it_existed(tmp_path: Path) -> None:
    made = check_context(tmp_path, aws=existing(AWS_EC2_NatGateway=2, AWS_EC2_EIP=1, AWS_Logs_LogGroup=9))
    made.facts["deployed at"] = made.clock() - 2 * 3600
    once = sum(item.dollars for item in estimate.ITEMS if not item.per_hour)

    dollars = once + 2 * (2 * 0.045 + 0.005)
    assert price_what_exists(made).startswith(
        f"about {dollars:.2f} USD for 2.0 hours, calculated with unchecked prices"
    )


def test_on_the_local_aws_the_resources_are_counted_and_have_no_price(tmp_path: Path) -> None:
    made = check_context(tmp_path, aws=existing(AWS_EC2_NatGateway=2), local=True)

    assert "USD" not in price_what_exists(made)


@pytest.mark.parametrize(
    ("counts", "problem"),
    [
        (
            {"AWS_EC2_NatGateway": 3},
            "the run created more resources than estimated: NAT gateway, one for each runtime environment",
        ),
        (
            {"AWS_ElasticLoadBalancingV2_LoadBalancer": 3},
            "the run created more resources than estimated: application load balancer",
        ),
        ({"AWS_CloudWatch_CompositeAlarm": 13}, "the run created more resources than estimated: alarms of CloudWatch"),
        ({"AWS_RDS_DBInstance": 1}, "the estimate leaves out AWS::RDS::DBInstance"),
    ],
)
def test_an_estimate_that_leaves_something_out_is_a_failure(
    tmp_path: Path, counts: dict[str, int], problem: str
) -> None:
    made = check_context(tmp_path, aws=existing(**counts), facts={"deployed at": 0.0})

    with pytest.raises(CheckFailed, match=problem):
        price_what_exists(made)
