"""Commands for a person to run: they are complete, and the AWS CLI accepts them."""

from __future__ import annotations

import shlex
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from cicd_templates.deploy.change_sets.aws_commands import adopt_commands, for_caller, revert_commands
from cicd_templates.deploy.change_sets.change_set_request import change_set_request
from cicd_templates.errors import CicdError
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.answering_aws import FakeAws
from tests.projects.stacks import stacks_of

STACKS = {stack.layer: stack for name in ("tools", "staging") for stack in stacks_of(name)}
MODEL = botocore.session.Session().get_service_model("cloudformation")
FLAGS = {"--import-existing-resources"}


def options(command: str) -> tuple[list[str], dict[str, list[str]]]:
    words = shlex.split(command)
    found: dict[str, list[str]] = {}
    verbs = [word for word in words[1:] if not word.startswith("--")][:3]
    name = ""
    for word in words:
        if word.startswith("--"):
            name = word
            found[name] = []
        elif name:
            found[name].append(word)
    return verbs, found


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)
def test_each_command_has_only_options_that_there_are(stack: StackTemplate) -> None:
    for command in (
        *adopt_commands(stack, creates=True),
        *adopt_commands(stack, creates=False),
        *revert_commands(stack),
    ):
        (service, verb, *_), given = options(
            command.replace("$(aws ssm get-parameter --name ", "$(").replace(
                " --query Parameter.Value --output text)", ")"
            )
        )
        if service != "cloudformation" or verb == "wait":
            continue
        operation = next(name for name in MODEL.operation_names if xform_name(name, "-") == verb)
        shape = MODEL.operation_model(operation).input_shape
        assert shape is not None
        assert {name.removeprefix("--") for name in given} - {"region"} <= {xform_name(m, "-") for m in shape.members}


def test_an_adoption_names_the_text_the_consent_and_the_tags() -> None:
    keys = STACKS["keys"]
    create, wait, describe, execute = adopt_commands(keys, creates=True)

    assert create.startswith(
        "aws cloudformation create-change-set --region eu-central-1 --stack-name shipping-staging-keys"
        " --change-set-name adopt --change-set-type CREATE --import-existing-resources"
        f" --template-body file://{keys.path} --tags Key=Project,Value=shipping "
    )
    assert " --change-set-type UPDATE " in adopt_commands(keys, creates=False)[0]
    assert wait.startswith("aws cloudformation wait change-set-create-complete ")
    assert describe.startswith("aws cloudformation describe-change-set ")
    assert execute.startswith("aws cloudformation execute-change-set ")


def test_a_stack_with_a_role_keeps_it_and_one_with_named_roles_says_so() -> None:
    (create, *_) = revert_commands(STACKS["service"])

    assert "--deployment-mode REVERT_DRIFT" in create
    assert "--capabilities CAPABILITY_NAMED_IAM" in create
    assert (
        "--role-arn $(aws ssm get-parameter --name /shipping/staging/delivery-parcel-dispatcher/ExecutionRoleArn"
        " --query Parameter.Value --output text)"
    ) in create


UPLOADS = "/shipping/staging/storage/UploadsBucketName"
LOCAL: Any = SimpleNamespace(endpoint_url="http://127.0.0.1:1")
SECRET = "AWS_SECRET_ACCESS_KEY=$(jq -r .secret .state/local.json)"
THERE = f"AWS_ACCESS_KEY_ID=222222222222 {SECRET} aws --endpoint-url http://127.0.0.1:1 "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("aws s3 ls", f"{THERE}s3 ls"),
        ("for s in a; do aws ecs x; done; or aws y z", f"for s in a; do {THERE}ecs x; done; or {THERE}y z"),
        ("aws a --k $(aws ssm get)", f"{THERE}a --k $({THERE}ssm get)"),
        (f"{THERE}s3 ls", f"{THERE}s3 ls"),
        ("from AWS; ./aws x and arn:aws:s3", "from AWS; ./aws x and arn:aws:s3"),
    ],
)
def test_on_the_local_aws_a_command_goes_there_and_says_so_once(text: str, expected: str) -> None:
    assert for_caller(text, LOCAL, "222222222222") == expected


@pytest.mark.parametrize(
    ("profile", "text", "expected"),
    [
        (None, "aws s3 ls", "aws --region eu-central-1 s3 ls"),
        ("my dev", "aws s3 ls", "aws --profile 'my dev' --region eu-central-1 s3 ls"),
        ("dev", "run `aws x y --region us-east-1`, then", "run `aws --profile dev x y --region us-east-1`, then"),
        (
            "dev",
            "for s in a; do aws ecs x --region r; done; aws y z",
            "for s in a; do aws --profile dev ecs x --region r; done; aws --profile dev --region eu-central-1 y z",
        ),
        (
            "dev",
            "aws a --region r --k $(aws ssm get)",
            "aws --profile dev a --region r --k $(aws --profile dev --region eu-central-1 ssm get)",
        ),
        ("dev", "from AWS; ./aws x and arn:aws:s3", "from AWS; ./aws x and arn:aws:s3"),
    ],
)
def test_on_aws_a_command_has_the_profile_and_the_region_of_the_caller(
    profile: str | None, text: str, expected: str
) -> None:
    aws: Any = SimpleNamespace(endpoint_url=None, profile=profile, region="eu-central-1")

    assert for_caller(text, aws, "222222222222") == expected


@pytest.mark.parametrize(
    ("region", "host"),
    [("eu-central-1", ".s3.eu-central-1.amazonaws.com/"), ("cn-north-1", ".s3.cn-north-1.amazonaws.com.cn/")],
)
def test_the_address_of_an_uploaded_text_is_in_the_domain_of_the_partition(region: str, host: str) -> None:
    keys = STACKS["keys"]
    moved = replace(keys, text="#" * 60_000, facts=keys.facts._replace(region=region))
    _, create, *_ = adopt_commands(moved, creates=True)

    assert f"{host}by-hand/keys.yaml" in create


def test_a_text_that_is_too_long_is_uploaded_first() -> None:
    keys = STACKS["keys"]
    upload, create, *_ = adopt_commands(replace(keys, text=keys.text + "#" * 60_000), creates=True)

    assert upload.startswith(f"aws s3 cp {keys.path} s3://$(aws ssm get-parameter --name /shipping/staging/storage/")
    assert upload.endswith("/by-hand/keys.yaml")
    assert "--template-url https://$(aws ssm " in create


@pytest.mark.parametrize(
    ("region", "there", "host"),
    [
        ("eu-central-1", None, "https://uploads.s3.eu-central-1.amazonaws.com/"),
        ("cn-north-1", None, "https://uploads.s3.cn-north-1.amazonaws.com.cn/"),
        ("us-gov-west-1", None, "https://uploads.s3.us-gov-west-1.amazonaws.com/"),
        ("eu-central-1", "http://127.0.0.1:1", "http://127.0.0.1:1/uploads/"),
    ],
    ids=["AWS", "China", "GovCloud", "the local AWS"],
)
def test_cloudformation_reads_a_long_text_at_the_address_of_s3_itself(
    region: str, there: str | None, host: str
) -> None:
    keys = STACKS["keys"]
    long = replace(keys, text="#" * 60_000)
    fake: Any = FakeAws(
        {
            "ssm.get_parameters": {"Parameters": [{"Name": UPLOADS, "Value": "uploads"}]},
            "s3.put_object": {"VersionId": "v1"},
        }
    )
    fake.region, fake.endpoint_url = region, there
    request = change_set_request(fake, long, None)

    assert request["TemplateURL"].startswith(f"{host}templates/shipping-staging-keys/")
    assert request["TemplateURL"].endswith(".yaml?versionId=v1")


def test_a_long_text_needs_the_bucket_of_another_layer_first() -> None:
    fake: Any = FakeAws({"ssm.get_parameters": {"Parameters": []}})

    with pytest.raises(CicdError, match=f"must be uploaded, but {UPLOADS} does not exist yet; deploy the layer"):
        change_set_request(fake, replace(STACKS["keys"], text="#" * 60_000), None)
