"""The owner of a stack, by its tags or, while CloudFormation gives it none, by the tags of its change sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.change_sets.ownership import (
    CHANGE_SET_PREFIX,
    Owner,
    discard_change_set,
    owner_of,
    owner_tags,
    require_ours,
)
from cicd_templates.errors import RefusedError
from tests.fakes.rendered_stacks import rendered
from tests.fakes.scripted_cloudformation import client_error
from tests.fakes.simulated_aws import SimulatedAws, SimulatedStack

KEYS = rendered("keys")
OURS = f"{CHANGE_SET_PREFIX}plan"
TAGS = [{"Key": key, "Value": value} for key, value in KEYS.tags.items()]
OTHER_PROJECT = [tag if tag["Key"] != "Project" else {"Key": "Project", "Value": "shop"} for tag in TAGS]
NOBODYS = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}})

World = Callable[[SimulatedAws], Any]


def make(aws: SimulatedAws, name: str = OURS, tags: Any = (), body: str = KEYS.text, **more: Any) -> str:
    """Make a change set that would create the stack, and return its ARN."""
    request = {"StackName": KEYS.name, "ChangeSetName": name, "ChangeSetType": "CREATE", "Tags": list(tags), **more}
    arn: str = aws.cloudformation.create_change_set(TemplateBody=body, **request)["Id"]
    aws.clock.sleep(10)
    return arn


def standing(aws: SimulatedAws) -> SimulatedStack:
    stack = aws.named(KEYS.name)
    assert stack is not None
    return stack


def described(aws: SimulatedAws) -> Any:
    return aws.cloudformation.describe_stacks(StackName=standing(aws).id)["Stacks"][0]


def without_change_set(aws: SimulatedAws) -> None:
    aws.cloudformation.delete_change_set(ChangeSetName=make(aws, tags=TAGS))


def created(aws: SimulatedAws, tags: Any = TAGS) -> None:
    aws.cloudformation.execute_change_set(ChangeSetName=make(aws, tags=tags), ClientRequestToken="token")
    aws.settle()


def imported(aws: SimulatedAws, body: str = KEYS.text) -> None:
    aws.cloudformation.execute_change_set(ChangeSetName=make(aws, body=body), ClientRequestToken="token")
    aws.settle()
    standing(aws).status = "IMPORT_COMPLETE"


def both(aws: SimulatedAws) -> None:
    make(aws, "theirs", OTHER_PROJECT)
    make(aws, tags=TAGS)


def gone_meanwhile(aws: SimulatedAws) -> None:
    make(aws, tags=TAGS)
    describe = aws.cloudformation.describe_change_set

    def lose(**request: Any) -> Any:
        standing(aws).change_sets.clear()
        return describe(**request)

    setattr(aws.cloudformation, "describe_change_set", lose)  # noqa: B010 - the moment between two calls


def hidden(aws: SimulatedAws) -> None:
    make(aws, tags=TAGS)
    aws.denied = {"DescribeChangeSet"}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(lambda aws: make(aws, tags=TAGS), Owner.OURS, id="our change set"),
        pytest.param(lambda aws: make(aws, "made-by-hand", TAGS), Owner.OURS, id="our tags under another name"),
        pytest.param(lambda aws: make(aws, tags=OTHER_PROJECT), Owner.OTHERS, id="another project of this tool"),
        pytest.param(lambda aws: make(aws, "theirs"), Owner.OTHERS, id="a stranger's"),
        pytest.param(lambda aws: make(aws, "x", [{"Key": "ManagedBy", "Value": "cdk"}]), Owner.OTHERS, id="other tags"),
        pytest.param(make, Owner.OURS, id="an import by our prefix, which can have no tags"),
        pytest.param(lambda aws: make(aws, body=NOBODYS), Owner.OTHERS, id="our prefix, but not our template"),
        pytest.param(without_change_set, Owner.UNKNOWN, id="no change set"),
        pytest.param(gone_meanwhile, Owner.UNKNOWN, id="its change set goes meanwhile"),
        pytest.param(both, Owner.OTHERS, id="another project came first"),
        pytest.param(hidden, Owner.OTHERS, id="its change sets may not be read"),
        pytest.param(created, Owner.OURS, id="created"),
        pytest.param(lambda aws: created(aws, OTHER_PROJECT), Owner.OTHERS, id="created by another project"),
        pytest.param(lambda aws: created(aws, []), Owner.OTHERS, id="created without tags"),
        pytest.param(imported, Owner.OURS, id="imported and not tagged yet"),
        pytest.param(lambda aws: imported(aws, NOBODYS), Owner.OTHERS, id="imported by a stranger"),
    ],
)
def test_a_stack_is_of_whom_its_tags_or_its_change_sets_say(world: World, expected: Owner) -> None:
    aws = SimulatedAws()
    world(aws)

    assert owner_of(aws, described(aws), KEYS) is expected  # type: ignore[arg-type] # the simulation stands in


def test_a_template_in_yaml_says_whose_it_is_as_well() -> None:
    aws: Any = SimulatedAws()
    imported(aws)
    metadata = json.dumps(KEYS.content["Metadata"])
    aws.cloudformation.get_template = lambda **request: {"TemplateBody": f"Metadata: {metadata}\nResources: {{}}\n"}

    assert owner_tags(aws, described(aws)) == KEYS.tags


def test_what_cannot_be_read_for_another_reason_is_an_error() -> None:
    aws: Any = SimulatedAws()
    make(aws)
    existing = described(aws)

    def fail(**request: Any) -> Any:
        raise client_error("Throttling", "slow down")

    aws.cloudformation.describe_change_set = fail
    with pytest.raises(ClientError, match="slow down"):
        owner_tags(aws, existing)
    aws.cloudformation.list_change_sets = fail
    with pytest.raises(ClientError, match="slow down"):
        discard_change_set(aws, "arn", standing(aws).id, creates=True)


def test_an_own_stack_in_review_is_not_refused() -> None:
    aws: Any = SimulatedAws()
    make(aws, tags=TAGS)

    require_ours(aws, described(aws), KEYS)


def test_an_empty_stack_that_nothing_claims_is_named_with_its_command() -> None:
    aws: Any = SimulatedAws()
    without_change_set(aws)

    with pytest.raises(RefusedError, match="neither tags nor a change set") as refused:
        require_ours(aws, described(aws), KEYS)
    assert f"aws cloudformation delete-stack --region eu-central-1 --stack-name {KEYS.name}" in str(refused.value)


def test_another_ones_stack_is_not_touched() -> None:
    aws: Any = SimulatedAws()
    make(aws, "theirs")

    with pytest.raises(RefusedError, match="choose another project name or suffix"):
        require_ours(aws, described(aws), KEYS)


@pytest.mark.parametrize(
    ("world", "creates", "status", "left"),
    [
        pytest.param(lambda aws: None, True, "DELETE_COMPLETE", [], id="alone"),
        pytest.param(lambda aws: make(aws, "other"), True, "REVIEW_IN_PROGRESS", ["other"], id="another waits"),
        pytest.param(lambda aws: standing(aws).change_sets.clear(), True, "DELETE_COMPLETE", [], id="it was deleted"),
        pytest.param(lambda aws: None, False, "REVIEW_IN_PROGRESS", [], id="it would not have created the stack"),
    ],
)
def test_discarding_deletes_everything_of_ours_and_nothing_of_others(
    world: World, creates: bool, status: str, left: list[str]
) -> None:
    aws: Any = SimulatedAws()
    arn = make(aws, tags=TAGS)
    stack = standing(aws)
    world(aws)
    discard_change_set(aws, arn, stack.id, creates=creates)
    aws.settle()

    assert (stack.status, [each.name for each in stack.change_sets.values()]) == (status, left)


def test_an_executed_change_set_is_not_discarded() -> None:
    aws: Any = SimulatedAws()
    arn = make(aws, tags=TAGS)
    aws.cloudformation.execute_change_set(ChangeSetName=arn, ClientRequestToken="token")
    stack = standing(aws)
    # The description is a moment behind.
    stack.status = "REVIEW_IN_PROGRESS"
    discard_change_set(aws, arn, stack.id, creates=True)
    stack.change_sets.clear()
    aws.cloudformation.list_stack_resources = lambda **request: {
        "StackResourceSummaries": [{"LogicalResourceId": "Topic", "ResourceStatus": "CREATE_IN_PROGRESS"}]
    }
    discard_change_set(aws, arn, stack.id, creates=True)

    assert aws.calls["DeleteStack"] == 0


@pytest.mark.parametrize("moment", ["before it is looked at", "while it is looked at"])
def test_a_stack_that_goes_meanwhile_needs_no_discarding(moment: str) -> None:
    aws: Any = SimulatedAws()
    arn = make(aws, tags=TAGS)
    stack = standing(aws)
    if moment == "before it is looked at":
        aws.cloudformation.delete_stack(StackName=stack.id)
        aws.settle()
    else:
        aws.faults.before = lambda operation: aws.stacks.clear() if operation == "ListChangeSets" else None
    discard_change_set(aws, arn, stack.id, creates=True)

    assert aws.calls["DeleteChangeSet"] == 1


def test_a_deletion_that_is_refused_is_an_error() -> None:
    aws: Any = SimulatedAws()
    aws.denied = {"DeleteChangeSet"}

    with pytest.raises(ClientError, match="not authorized"):
        discard_change_set(aws, "arn", "stack", creates=False)


@pytest.mark.parametrize("code", ["ChangeSetNotFound", "InvalidChangeSetStatus"])
def test_what_is_gone_or_executed_needs_no_discarding(code: str) -> None:
    aws: Any = SimulatedAws()

    def refuse(**request: Any) -> None:
        raise client_error(code, "no")

    aws.cloudformation.delete_change_set = refuse
    discard_change_set(aws, "arn", "stack", creates=False)
