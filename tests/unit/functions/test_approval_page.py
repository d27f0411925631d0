"""The page before an approval has the same verdicts as a plan, computed from CloudFormation's change set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from cicd_templates.functions.approval_page import ApprovalPage, approval_page, reviewed_stage
from cicd_templates.functions.change_page.answers import NOTHING_WIDER
from cicd_templates.functions.reviewed_change_sets import ChangeSet, read_change_set
from cicd_templates.template.changes.planned_stack import PlannedStack
from tests.fakes.simulated_aws import SimulatedAws
from tests.hostile.texts import PIECES, hostile_texts
from tests.projects.expressions import ChangedStack, stacks_with_an_expression
from tests.unit.deploy.plans.web_page import planned_changes as changes
from tests.unit.deploy.plans.web_page.planned_changes import PlannedChange
from tests.unit.deploy.plans.web_page.test_page import Parsed, texts_of

COUNTS = [pytest.param(len(PIECES) + 40, id="sample"), pytest.param(5000, id="5000", marks=pytest.mark.long)]
UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
NOTHING_LOST = "Nothing that holds data is deleted or replaced."
NOBODY = NOTHING_WIDER


def change(action: str, name: str, kind: str, *, before: Any = None, after: Any = None, **more: Any) -> dict[str, Any]:
    contexts = {"BeforeContext": before, "AfterContext": after}
    reported = {
        context: value if isinstance(value, str) else json.dumps({"Properties": value})
        for context, value in contexts.items()
        if value is not None
    }
    return {"Action": action, "LogicalResourceId": name, "ResourceType": kind, **reported, **more}


def change_set(*described: dict[str, Any], template: str = "Resources: {}\n") -> ChangeSet:
    answer = {"StackId": "arn:stack", "ChangeSetId": "arn:change-set"}
    return ChangeSet("shop-production-service-till", answer, list(described), list(described), template)


def stack_of(*described: dict[str, Any], template: str = "Resources: {}\n") -> PlannedStack:
    (stack,) = reviewed_stage("production", "till", [("service", change_set(*described, template=template))]).stacks
    return stack


def page_of(*described: dict[str, Any], facts: tuple[str, ...] = ("till to production",)) -> ApprovalPage:
    one = change_set(*described)
    return approval_page(reviewed_stage("production", "till", [("service", one)]), facts, [one])


def role(*actions: str, resource: str = "arn:aws:s3:::uploads/*") -> dict[str, Any]:
    statement = {"Sid": "Read", "Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {"RoleName": "till", "Policies": [{"PolicyName": "Task", "PolicyDocument": {"Statement": [statement]}}]}


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "edit",
    [
        changes.widen_role,
        changes.replace_table,
        changes.rename_kept_bucket,
        changes.move_subnet,
        changes.edit_key_policy,
        changes.release_images,
        changes.add_tags,
        changes.scale_services,
        changes.everything,
    ],
)
def test_the_review_says_the_same_as_the_plan_of_this_change_set(edit: changes.Edit, tmp_path: Path) -> None:
    aws = SimulatedAws()
    plan = PlannedChange(edit).plan_on(aws, tmp_path)

    for planned in (stack for stack in plan.changing if not stack.creates):
        read = read_change_set(aws.cloudformation, planned.name, planned.change_set)
        stage = reviewed_stage(plan.environment, planned.service, [("service", read)])
        assert stage.unreported == frozenset()
        assert stage.stacks[0].changes == planned.changes
        assert stage.stacks[0].impacts == planned.impacts
        assert stage.stacks[0].grants == planned.grants
        assert stage.stacks[0].longest_wait_seconds == planned.longest_wait_seconds


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        pytest.param(
            change(
                "Modify", "Role", "AWS::IAM::Role", before=role("s3:GetObject"), after=role("s3:GetObject", "s3:Put*")
            ),
            (
                "1 updated stack: 1 resource modified.",
                NOTHING_LOST,
                "These changes allow more access: service-till/Role (Read, otherwise unchanged: allow s3:Put*).",
            ),
            id="a role gains an action",
        ),
        pytest.param(
            change("Add", "Role", "AWS::IAM::Role", after=role("s3:GetObject")),
            (
                "1 updated stack: 1 resource added.",
                NOTHING_LOST,
                "These changes allow more access: service-till/Role (allow s3:GetObject on arn:aws:s3:::uploads/*,"
                " without a condition).",
            ),
            id="a role is added",
        ),
        pytest.param(
            change(
                "Modify", "Role", "AWS::IAM::Role", before=role("s3:Get*", resource=UNKNOWN),
                after=role("s3:Get*", resource=UNKNOWN),
            ),
            (
                "1 updated stack: 1 resource modified.",
                NOTHING_LOST,
                "These changes allow more access: service-till/Role"
                " (Read, otherwise unchanged: allow on (known after the deployment) and 1 more).",
            ),
            id="an unknown value is not the value of before",
        ),
        pytest.param(
            change("Modify", "Role", "AWS::IAM::Role", after=role("s3:Get*")),
            (
                "1 updated stack: 1 resource modified.",
                NOTHING_LOST,
                "Check yourself what these changes allow: service-till/Role.",
            ),
            id="what was before is not reported",
        ),
        pytest.param(
            change("Remove", "Table", "AWS::DynamoDB::Table", before={}, PolicyAction="Delete"),
            (
                "1 updated stack: 1 resource deleted.",
                "service-till/Table (AWS::DynamoDB::Table): deleted; a table: deleted.",
                NOBODY,
            ),
            id="a table is deleted",
        ),
        pytest.param(
            change(
                "Modify", "Files", "Custom::Files", before={}, after={}, Replacement="Conditional",
                PolicyAction="ReplaceAndRetain",
            ),
            (
                "1 updated stack: 1 resource perhaps replaced.",
                "service-till/Files (Custom::Files): perhaps replaced; contents that its DeletionPolicy covers:"
                " kept, outside the stack.",
                NOBODY,
            ),
            id="a resource with a policy is perhaps replaced",
        ),
    ],
)  # fmt: skip
def test_a_change_is_told_in_three_lines(described: dict[str, Any], expected: tuple[str, ...]) -> None:
    page = page_of(described)

    assert (page.changes, page.lost, page.access) == expected
    answers = [text for text in Parsed(page.html).texts["dd"] if text.strip()]
    assert tuple(answers[:3]) == expected


def statement_of(value: Any) -> dict[str, Any]:
    return {"Policies": [{"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "a:B", **value}]}}]}


@pytest.mark.parametrize(
    "described",
    [
        pytest.param(change("Modify", "R", "AWS::IAM::Role", before="[]", after="[]"), id="a list"),
        pytest.param(change("Modify", "R", "AWS::IAM::Role", before="{", after="{"), id="not JSON"),
        pytest.param(change("Modify", "R", "AWS::IAM::Role", before=[1], after=UNKNOWN), id="no properties"),
        pytest.param(change("Modify", "R", "AWS::IAM::Role"), id="no contexts"),
        pytest.param(
            change("Modify", "R", "AWS::EC2::SecurityGroup", before={}, after={"SecurityGroupIngress": [UNKNOWN]}),
            id="an unknown rule",
        ),
        *(
            pytest.param(change("Modify", "R", kind, before=before, after=after), id=f"an unknown policy: {name}")
            for name, kind, before, after in (
                ("all of a role", "AWS::IAM::Role", statement_of({}), {"Policies": UNKNOWN}),
                ("one of two of a role", "AWS::IAM::Role", statement_of({}), {"Policies": [{}, UNKNOWN]}),
                ("a document", "AWS::IAM::Role", statement_of({}), {"Policies": [{"PolicyDocument": UNKNOWN}]}),
                ("the old document", "AWS::SQS::QueuePolicy", {"PolicyDocument": UNKNOWN}, {"PolicyDocument": {}}),
                ("a trust policy", "AWS::IAM::Role", {}, {"AssumeRolePolicyDocument": UNKNOWN}),
                ("of a secret", "AWS::SecretsManager::ResourcePolicy", {}, {"ResourcePolicy": UNKNOWN}),
                ("of an API", "AWS::ApiGateway::RestApi", {"Policy": {}}, {"Policy": UNKNOWN}),
                ("of a file system", "AWS::EFS::FileSystem", {"FileSystemPolicy": {}}, {"FileSystemPolicy": UNKNOWN}),
                ("of a bus", "AWS::Events::EventBusPolicy", {}, {"Statement": UNKNOWN}),
                ("a setting", "AWS::Lambda::Url", {"AuthType": "AWS_IAM"}, {"AuthType": UNKNOWN}),
                ("of a key", "AWS::KMS::Key", {"KeyPolicy": {"Statement": []}}, {"KeyPolicy": UNKNOWN}),
            )
        ),
        pytest.param(
            change(
                "Modify", "R", "AWS::IAM::Role", before=role("a:B", resource="****"), after=role("a:B", resource="****")
            ),
            id="a masked resource",
        ),
    ],
)
def test_policies_that_are_not_reported_are_never_called_unchanged(described: dict[str, Any]) -> None:
    assert page_of(described).access == "Check yourself what these changes allow: service-till/R."


@pytest.mark.parametrize(
    ("effect", "before", "after", "allows_more"),
    [
        pytest.param("Allow", {}, {"Condition": UNKNOWN}, False, id="an allowance gets one"),
        pytest.param("Allow", {"Condition": UNKNOWN}, {"Condition": UNKNOWN}, True, id="of an allowance may change"),
        pytest.param("Allow", {"Condition": UNKNOWN}, {}, True, id="an allowance loses it"),
        pytest.param("Deny", {}, {"Condition": UNKNOWN}, True, id="a denial gets one"),
        pytest.param("Deny", {"Condition": UNKNOWN}, {"Condition": UNKNOWN}, True, id="of a denial may change"),
        pytest.param("Deny", {"Condition": UNKNOWN}, {}, False, id="a denial loses it"),
    ],
)
def test_an_unknown_condition_counts_as_the_one_that_allows_more(
    effect: str, before: dict[str, Any], after: dict[str, Any], allows_more: bool
) -> None:
    old, new = (statement_of({"Effect": effect, **part}) for part in (before, after))
    page = page_of(change("Modify", "R", "AWS::IAM::Role", before=old, after=new))

    assert page.access.startswith("These changes allow more access: service-till/R (") is allows_more
    assert (page.access == NOBODY) is not allows_more


@given(stacks_with_an_expression([UNKNOWN]))
def test_an_unknown_value_in_any_property_leaves_a_page(drawn: ChangedStack) -> None:
    resources = [stack.resources[drawn.logical_id] for stack in (drawn.before, drawn.after)]
    before, after = (resource["Properties"] for resource in resources)
    for old, new in ((before, after), (after, before)):
        page = page_of(change("Modify", "R", resources[0]["Type"], before=old, after=new))
        assert "1 resource modified" in page.changes


def test_changes_that_touch_no_policy_need_no_report() -> None:
    tags = change("Modify", "Log", "AWS::Logs::LogGroup", Details=[{"Target": {"Attribute": "Tags"}}])

    assert page_of(tags, change("Remove", "Alarm", "AWS::CloudWatch::Alarm")).access == NOBODY


def test_every_row_has_its_line_in_the_rendered_template() -> None:
    template = "Parameters:\n  Topic:\n    Type: String\nResources:\n  Topic:\n    Type: T\nOutputs:\n  Last: 1\n"

    assert stack_of(template=template).lines == {"Topic": 5}
    assert stack_of(template='{"Resources": {}}').lines == {}
    page = json.loads(approval_page_of_template(template).data)
    assert page["rows"][0]["places"] == [{"name": "service-till/Topic", "source": "out/production/service-till.yaml:5"}]


def approval_page_of_template(template: str) -> ApprovalPage:
    one = change_set(change("Modify", "Topic", "AWS::SNS::Topic", before={}, after={}), template=template)
    return approval_page(reviewed_stage("production", "till", [("service", one)]), (), [one])


def test_the_bake_time_that_cloudformation_reports_as_a_text_counts() -> None:
    def service(configuration: Any) -> dict[str, Any]:
        properties = {"DeploymentConfiguration": configuration}
        return change("Modify", "Service", "AWS::ECS::Service", before=properties, after=properties)

    assert stack_of(service({"BakeTimeInMinutes": "10"})).longest_wait_seconds == (180 + 10) * 60
    assert stack_of(service(UNKNOWN)).longest_wait_seconds == 180 * 60


def test_the_page_contains_its_data_and_needs_nothing_else() -> None:
    page = page_of(change("Add", "Role", "AWS::IAM::Role", after=role("s3:GetObject")))
    parsed = Parsed(page.html)

    assert parsed.data == json.loads(page.data)
    assert parsed.texts["script"][0] == page.data
    assert parsed.attributes("src") | parsed.attributes("href") | parsed.attributes("style") == set()
    shown = ("title", "changes", "lost", "access", "facts")
    assert [parsed.data[name] for name in shown] == [
        "Approval for production", page.changes, page.lost, page.access, ["till to production"],
    ]  # fmt: skip
    assert "".join(parsed.texts["pre"]).strip() == (
        "service-till/Role: AWS::IAM::Role, added, wider access, allow s3:GetObject on arn:aws:s3:::uploads/*"
    )


def test_a_change_set_without_changes_and_one_without_resources_are_told_apart() -> None:
    empty = change_set(template="")
    outputs = change_set(template="Outputs: {}\n")
    stage = reviewed_stage("production", "till", [("service", outputs), ("migration", empty)])
    page = approval_page(stage, ("x",), [outputs, empty])

    assert page.changes == "1 updated stack: only outputs or tags of stacks."
    assert json.loads(page.data)["notes"] == [{"text": "Nothing changes", "stacks": ["migration-till"]}]
    assert "".join(Parsed(page.html).texts["pre"]).strip() == "No resource changes."


def test_no_secret_is_on_the_page() -> None:
    target = {"Attribute": "Properties", "Name": "Environment", "Path": "/Properties/Environment/DB_PASSWORD"}
    values = {"BeforeValue": "hunter2-before", "AfterValue": "hunter2-after"}
    page = page_of(
        change("Modify", "F", "AWS::Lambda::Function", before={}, after={}, Details=[{"Target": target | values}])
    )

    assert "(secret)" in page.data
    assert "hunter2" not in page.html + page.data


@pytest.mark.no_cover
@pytest.mark.parametrize("count", COUNTS)
def test_no_text_of_a_change_set_is_markup_on_the_page(count: int) -> None:
    def page_with(text: str) -> ApprovalPage:
        target = {"Attribute": "Properties", "Name": text, "Path": text, "BeforeValue": "1", "AfterValue": text}
        named = change(
            "Modify", text, text, before=role(text), after=role(text, f"{text}!"), Details=[{"Target": target}]
        )
        return page_of(named, facts=(text,))

    expected = Parsed(page_with("flask").html).elements
    elements = [(tag, [name for name, _ in attributes]) for tag, attributes in expected]
    for text in hostile_texts(count):
        page = page_with(text)
        parsed = Parsed(page.html)
        assert [(tag, [name for name, _ in attributes]) for tag, attributes in parsed.elements] == elements, repr(text)
        assert all(line.isprintable() for line in page.html.split("\n")), repr(text)
        assert all(line.isprintable() for line in texts_of(parsed.data)), repr(text)
