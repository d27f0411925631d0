"""The impact of changes: kinds, data and its fate, interruptions, statements in words, and durations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cicd_templates.template import policy_diff
from cicd_templates.template.changes.duration import format_duration, longest_wait
from cicd_templates.template.changes.impact import (
    Change,
    Detail,
    Impact,
    assess,
    change_of,
    merged,
    total,
)
from cicd_templates.template.changes.masking import MASKED_VALUE

BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {}}
ROLE = {"Type": "AWS::IAM::Role", "Properties": {}}


def edited(*names: str) -> tuple[Detail, ...]:
    return tuple(Detail("Properties", name) for name in names)


@pytest.mark.parametrize(
    ("change", "before", "after", "widens", "expected"),
    [
        pytest.param(Change("Add", "R", "AWS::S3::Bucket"), {}, {"R": BUCKET}, False, Impact("safe"), id="added"),
        pytest.param(
            Change("Modify", "R", "AWS::IAM::Role", "False"),
            {"R": ROLE},
            {"R": ROLE},
            True,
            Impact("IAM widening"),
            id="grants more",
        ),
        pytest.param(
            Change("Remove", "R", "AWS::S3::Bucket", policy_action="Retain"),
            {"R": BUCKET},
            {},
            False,
            Impact("deletion", holds="objects", fate="kept, outside the stack"),
            id="removed, kept by what CloudFormation says",
        ),
        pytest.param(
            Change("Remove", "R", "AWS::S3::Bucket"),
            {"R": {**BUCKET, "DeletionPolicy": "RetainExceptOnCreate"}},
            {},
            False,
            Impact("deletion", holds="objects", fate="kept, outside the stack"),
            id="removed, kept by what the template says",
        ),
        pytest.param(
            Change("Remove", "R", "AWS::KMS::Key", policy_action="Delete"),
            {"R": {"Type": "AWS::KMS::Key"}},
            {},
            False,
            Impact(
                "deletion",
                holds="a key without which the encrypted data cannot be read",
                fate="scheduled for deletion; until then the deletion can be cancelled",
            ),
            id="a key",
        ),
        pytest.param(
            Change("Modify", "R", "AWS::RDS::DBInstance", "True", "ReplaceAndSnapshot"),
            {"R": {}},
            {"R": {}},
            False,
            Impact("replacement", holds="a database", fate="deleted, a snapshot is kept"),
            id="replaced with a snapshot",
        ),
        pytest.param(
            Change("Modify", "R", "AWS::S3::Bucket", "Conditional"),
            {"R": BUCKET},
            {"R": {**BUCKET, "UpdateReplacePolicy": "Retain"}},
            False,
            Impact("replacement", False, "objects", "kept, outside the stack"),
            id="perhaps replaced",
        ),
        pytest.param(
            Change("Modify", "R", "AWS::DynamoDB::Table", "Conditional", details=edited("KeySchema")),
            {"R": {}},
            {"R": {"Properties": {"TableName": "rates"}, "UpdateReplacePolicy": "Retain"}},
            False,
            Impact(
                "replacement",
                False,
                "a table",
                "kept, outside the stack",
                "a replacement would fail, because the old resource still has the same name",
            ),
            id="perhaps replaced under the same name",
        ),
        pytest.param(
            Change("Dynamic", "R", "AWS::SNS::TopicPolicy"),
            {"R": {}},
            {"R": {}},
            False,
            Impact("replacement", False, "", "deleted"),
            id="decided when it is executed, with nothing to lose",
        ),
        pytest.param(
            Change("Remove", "R", "Custom::Thing"),
            {"R": {"Type": "Custom::Thing", "DeletionPolicy": "Delete"}},
            {},
            False,
            Impact("deletion", holds="contents that its DeletionPolicy covers", fate="deleted"),
            id="a type of one's own with a policy",
        ),
        pytest.param(
            Change("Remove", "R", "AWS::RDS::DBInstance"),
            {
                "R": {
                    "Type": "AWS::RDS::DBInstance",
                    "DeletionPolicy": "Delete",
                    "Properties": {"DBClusterIdentifier": "c"},
                }
            },
            {},
            False,
            Impact("deletion", fate="deleted"),
            id="an instance of a cluster, which has the data",
        ),
        pytest.param(
            Change("Remove", "R", "AWS::RDS::DBInstance"),
            {"R": {"Type": "AWS::RDS::DBInstance", "Properties": {}}},
            {},
            False,
            Impact("deletion", holds="a database", fate="deleted"),
            id="an instance with data of its own",
        ),
        pytest.param(
            Change("Remove", "R", "AWS::IAM::Role"),
            {"R": ROLE},
            {},
            False,
            Impact("deletion", fate="deleted"),
            id="a role that nobody names",
        ),
        pytest.param(
            Change("Remove", "R", "AWS::IAM::Role"),
            {"R": {**ROLE, "Properties": {"RoleName": "x"}}},
            {},
            False,
            Impact("deletion", fate="deleted"),
            id="a role with a name, which has no successor",
        ),
        pytest.param(
            Change("Remove", "R", "AWS::IAM::Role"),
            {
                "R": ROLE,
                "Other": BUCKET,
                "P": {"Type": "AWS::SSM::Parameter", "Properties": {"Value": {"Fn::GetAtt": ["R", "Arn"]}}},
            },
            {},
            False,
            Impact("deletion", holds="a role to which policies or other stacks refer", fate="deleted"),
            id="a role that is handed to others",
        ),
        pytest.param(
            Change("Modify", "R", "AWS::ElasticLoadBalancingV2::ListenerRule", "False", details=edited("Actions")),
            {},
            {},
            False,
            Impact(
                "interruption",
                why="the routing of requests changes immediately, and weights that ECS shifts in a blue/green"
                " deployment are reset",
            ),
            id="a rule that a blue/green deployment shifts",
        ),
        *(
            pytest.param(
                Change("Remove", "R", kind, policy_action=policy),
                {"R": {"Type": kind}},
                {},
                False,
                Impact("deletion", fate=fate, why=why),
                id=f"{kind} {fate}",
            )
            for kind, policy, fate, why in (
                (
                    "AWS::ElasticLoadBalancingV2::ListenerRule",
                    "Delete",
                    "deleted",
                    "another rule, or the listener's default action, handles the requests for its service",
                ),
                (
                    "AWS::ElasticLoadBalancingV2::TargetGroup",
                    "Delete",
                    "deleted",
                    "no requests reach the tasks of the target group; a service that still uses the target group cannot"
                    " start new tasks",
                ),
                ("AWS::ECS::Service", "Delete", "deleted", "its tasks are stopped"),
                ("AWS::ECS::Service", "Retain", "kept, outside the stack", ""),
            )
        ),
        pytest.param(
            Change("Modify", "R", "AWS::ElasticLoadBalancingV2::ListenerRule", "False", details=edited("Tags")),
            {},
            {},
            False,
            Impact("safe"),
            id="only its tags",
        ),
        pytest.param(
            Change("Modify", "R", "AWS::KMS::Key", "False", details=edited("Enabled")),
            {},
            {},
            False,
            Impact("interruption", why="encrypted data cannot be read while the key is disabled"),
            id="a key that is switched off",
        ),
        pytest.param(
            Change("Modify", "R", "AWS::RDS::DBCluster", "False", details=edited("EngineVersion", "Port")),
            {},
            {},
            False,
            Impact(
                "interruption",
                why="the database does not answer while RDS upgrades it; a major upgrade often takes several minutes"
                " and cannot be undone; a snapshot restores only the data from before the upgrade, so try the upgrade"
                " in another environment first; every instance restarts at once, and clients fail until they use the"
                " new port: immediately afterwards, deploy the services that use the database",
            ),
            id="an upgrade of a database, and its port",
        ),
        pytest.param(
            Change("Modify", "R", "AWS::RDS::DBInstance", "False", details=edited("DBInstanceClass", "Tags")),
            {},
            {},
            False,
            Impact("interruption", why="the instance restarts or another instance takes over, and all connections end"),
            id="a database instance of another size",
        ),
        pytest.param(
            Change("Modify", "R", "AWS::RDS::DBCluster", "False", details=edited("BackupRetentionPeriod")),
            {},
            {},
            False,
            Impact("safe"),
            id="a database that keeps backups longer",
        ),
        pytest.param(
            Change("Modify", "R", "AWS::S3::Bucket", "False", details=edited("ObjectLockEnabled", "Tags")),
            {},
            {},
            False,
            Impact(
                "safe",
                why="Object Lock can never be switched off again, and versioning can never be suspended; only new"
                " object versions are locked, and existing versions stay unlocked",
            ),
            id="a bucket that is locked for ever",
        ),
        pytest.param(
            Change("Add", "R", "AWS::S3::Bucket", details=edited("ObjectLockEnabled")),
            {},
            {},
            False,
            Impact("safe"),
            id="a new bucket that is locked",
        ),
        pytest.param(
            Change("Modify", "R", "AWS::KMS::Key", "False", details=edited("Description")),
            {},
            {},
            False,
            Impact("safe"),
            id="a key's description",
        ),
    ],
)
def test_the_impact_of_a_change_is_assessed(
    change: Change, before: Any, after: Any, widens: bool, expected: Impact
) -> None:
    assert assess(change, before, after, widens=widens) == expected


@pytest.mark.parametrize(
    ("kind", "target", "expected"),
    [
        (
            "T",
            {"Name": "Password", "BeforeValue": "a", "AfterValue": "b"},
            (MASKED_VALUE, f"{MASKED_VALUE} (cannot be compared)"),
        ),
        ("T", {"Name": "Password", "BeforeValue": "a", "AfterValue": "a"}, (MASKED_VALUE, MASKED_VALUE)),
        ("T", {"Name": "Value", "BeforeValue": "****", "AfterValue": "****"}, ("****", "**** (cannot be compared)")),
        ("T", {"Name": "Value", "BeforeValue": "a", "AfterValue": "*****"}, ("a", "*****")),
        (
            "T",
            {"Name": "Value", "BeforeValue": "a", "AfterValue": "{{changeSet:KNOWN_AFTER_APPLY}}"},
            ("a", "(known after the deployment)"),
        ),
        ("T", {"Name": "X", "Path": "/Properties/X/ApiKey", "AfterValue": "b"}, ("", MASKED_VALUE)),
        ("T", {"Name": "SecretArn", "AfterValue": "arn"}, ("", "arn")),
        ("T", {"Name": "Port", "BeforeValue": "1", "AfterValue": "2"}, ("1", "2")),
        (
            "AWS::SecretsManager::Secret",
            {"Attribute": "Properties", "Name": "GenerateSecretString", "AfterValue": "{}"},
            ("", MASKED_VALUE),
        ),
    ],
)
def test_values_that_may_be_secrets_are_masked_and_unknown_ones_are_words(
    kind: str, target: dict[str, str], expected: tuple[str, str]
) -> None:
    change = change_of(
        {"Action": "Modify", "LogicalResourceId": "R", "ResourceType": kind, "Details": [{"Target": target}]}
    )
    (detail,) = change.details

    assert (detail.before, detail.after) == expected


def test_replacements_are_counted_apart() -> None:
    changes = [
        Change("Add", "A", "T"),
        Change("Modify", "B", "T", "False"),
        Change("Modify", "C", "T", "Conditional"),
        Change("Modify", "D", "T", "True"),
        Change("Import", "E", "T"),
    ]

    assert total(changes) == {"Add": 1, "Modify": 1, "Replace": 1, "Perhaps replace": 1, "Import": 1}


def role(*statements: Any, **more: Any) -> dict[str, Any]:
    return {"R": {"Properties": {"Policies": [{"PolicyDocument": {"Statement": list(statements)}}], **more}}}


READ = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": {"Fn::Sub": "${B.Arn}/*"}}
DENY = {"Effect": "Deny", "NotAction": "iam:*", "NotResource": {"Ref": "B"}, "NotPrincipal": "*"}
TRUST = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": ["ecs.amazonaws.com"], "AWS": {"Fn::GetAtt": ["Other", "Arn"]}},
    "Condition": {"StringEquals": {"aws:SourceAccount": {"Fn::If": ["A", "1", "2"]}}},
}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(role(READ), role({**READ, "Sid": "Other"}), policy_diff.PolicyDiff(), id="another Sid alone"),
        pytest.param(
            role(), role(READ), policy_diff.PolicyDiff(("allow s3:GetObject on ${B.Arn}/*",), (), True), id="one more"
        ),
        pytest.param(
            role(READ), role(), policy_diff.PolicyDiff((), ("allow s3:GetObject on ${B.Arn}/*",), False), id="one less"
        ),
        pytest.param(
            role(DENY),
            role(),
            policy_diff.PolicyDiff((), ("deny everything but iam:* on everything but B to everybody but *",), True),
            id="a denial that goes is a widening",
        ),
        pytest.param(
            role(),
            role(TRUST),
            policy_diff.PolicyDiff(
                (
                    "allow sts:AssumeRole to ecs.amazonaws.com, Other.Arn"
                    ' if aws:SourceAccount StringEquals {"Fn::If": ["A", "1", "2"]}',
                ),
                (),
                True,
            ),
            id="trust with a condition",
        ),
        pytest.param(
            role(),
            role(ManagedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"]),
            policy_diff.PolicyDiff(("allow everything on arn:aws:iam::aws:policy/ReadOnlyAccess",), (), True),
            id="a managed policy",
        ),
        pytest.param(
            {"R": {"Properties": {"Statement": {"ByteMatchStatement": {}}}}},
            {"R": {"Properties": {"Statement": {"GeoMatchStatement": {"Country": "x"}}}}},
            policy_diff.PolicyDiff(),
            id="the rules of a firewall grant nothing",
        ),
        pytest.param({}, {"R": {"Properties": {"Statement": READ}}}, None, id="a single statement of a new resource"),
    ],
)
def test_statements_are_compared_in_words(before: Any, after: Any, expected: policy_diff.PolicyDiff | None) -> None:
    found = policy_diff.compare("R", before, after)

    assert found == (expected or policy_diff.PolicyDiff(("allow s3:GetObject on ${B.Arn}/*",), (), True))


SERVICE = "AWS::ECS::Service"


def service(**configuration: Any) -> dict[str, Any]:
    return {"S": {"Properties": {"DeploymentConfiguration": configuration}}}


@pytest.mark.parametrize(
    ("resources", "minutes"),
    [
        pytest.param(service(), 180, id="steady within three hours"),
        pytest.param(service(BakeTimeInMinutes=15), 195, id="and a bake"),
        pytest.param(
            service(BakeTimeInMinutes=5, CanaryConfiguration={"CanaryBakeTimeInMinutes": 20}), 205, id="canary"
        ),
        pytest.param(service(CanaryConfiguration={}), 190, id="canary by default"),
        pytest.param(
            service(LinearConfiguration={"StepPercent": 25.0, "StepBakeTimeInMinutes": 10}),
            210,
            id="three steps of four",
        ),
        pytest.param(
            service(LinearConfiguration={"StepPercent": 11.0, "StepBakeTimeInMinutes": 1}), 189, id="nine steps"
        ),
        pytest.param(service(LinearConfiguration={}), 234, id="linear by default"),
        pytest.param(service(BakeTimeInMinutes={"Ref": "P"}), 180, id="a number that only CloudFormation knows"),
    ],
)
def test_a_service_takes_its_bake_on_top_of_the_three_hours(resources: Any, minutes: int) -> None:
    assert longest_wait([Change("Modify", "S", SERVICE, "False")], resources) == minutes * 60


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], 0.0),
        ([Change("Add", "A", "AWS::SNS::Topic"), Change("Add", "B", "AWS::EC2::NatGateway")], 600.0),
        ([Change("Remove", "S", SERVICE)], 300.0),
    ],
    ids=["nothing", "the slowest", "a service that goes"],
)
def test_the_slowest_change_counts(changes: list[Change], expected: float) -> None:
    assert longest_wait(changes, {}) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (45, "45 s"), (60, "1 min"), (720, "12 min"), (10800, "3 h"), (11400, "3 h 10 min")],
)
def test_lengths_of_time_are_spelled_as_people_say_them(seconds: float, expected: str) -> None:
    assert format_duration(seconds) == expected


def referring(
    name: str, cause: str, recreation: str = "Never", replacement: str = "False", kind: str = "AWS::S3::Bucket"
) -> Change:
    return Change(
        "Modify", name, kind, replacement, details=(Detail("Properties", "P", recreation=recreation, cause=cause),)
    )


def tagged(name: str, kind: str = "AWS::IAM::Role") -> Change:
    return Change("Modify", name, kind, "False", details=(Detail("Properties", "Tags"),))


OTHER = Detail("Properties", "Size", before="1", after="2")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([tagged("A"), referring("B", "A.Arn", "Always", "Conditional")], "False"),
        ([referring("B", "A.Arn", "Always", "Conditional"), referring("C", "B.Arn"), tagged("A")], "False"),
        ([tagged("A", "Custom::Thing"), referring("B", "A.Arn", "Always", "Conditional")], "Conditional"),
        ([tagged("A", "AWS::CloudFormation::Stack"), referring("B", "A.Arn", "Always", "Conditional")], "Conditional"),
        ([replace(tagged("A"), details=(OTHER,)), referring("B", "A.Arn", "Always", "Conditional")], "Conditional"),
        ([replace(tagged("A"), replacement="True"), referring("B", "A.Arn", "Always", "Conditional")], "Conditional"),
        ([replace(tagged("A"), details=()), referring("B", "A.Arn", "Always", "Conditional")], "Conditional"),
        ([referring("B", "A.Arn", "Always", "Conditional")], "Conditional"),
    ],
    ids=[
        "of what only tags change",
        "through another reference",
        "of a custom resource",
        "of a nested stack",
        "of what else changes",
        "of what is replaced",
        "of what changes without a detail",
        "of what is not in the change set",
    ],
)
def test_a_reference_is_kept_only_to_a_resource_of_which_only_tags_change(changes: list[Change], expected: str) -> None:
    kept = {change.logical_id: change for change in merged(changes, changes)}

    assert kept["B"].replacement == expected
    assert kept["B"].details, "a change without another reason keeps its details"


def test_a_kept_reference_leaves_the_other_reasons_of_a_change() -> None:
    size = replace(OTHER, recreation="Conditionally")
    both = replace(
        referring("B", "A.Arn", "Always", "Conditional"),
        policy_action="ReplaceAndRetain",
        details=(*referring("B", "A.Arn", "Always").details, size),
    )
    smaller = replace(both, details=(both.details[0], OTHER))

    def found(change: Change) -> Change:
        return merged([tagged("A"), change], [tagged("A"), change])[1]

    assert found(both) == replace(both, details=(size,))
    assert found(smaller) == replace(smaller, replacement="False", policy_action="", details=(OTHER,))


def test_a_property_that_may_follow_an_attribute_names_it() -> None:
    detail = {
        "ChangeSource": "ResourceAttribute",
        "Evaluation": "Dynamic",
        "CausingEntity": "Role.Arn",
        "Target": {"Attribute": "Properties", "Name": "RoleArn", "RequiresRecreation": "Never"},
    }
    described = {"Action": "Modify", "LogicalResourceId": "R", "ResourceType": "T", "Details": [detail]}
    static = {**described, "Details": [{**detail, "Evaluation": "Static"}]}

    assert [each.cause for each in change_of(described).details] == ["Role.Arn"]
    assert [each.cause for each in change_of(static).details] == [""]


def test_a_reference_interrupts_nothing_and_an_edit_does() -> None:
    balancer = "AWS::ElasticLoadBalancingV2::LoadBalancer"
    reference = Detail("Properties", "SecurityGroups", cause="Group.GroupId")

    def kind(detail: Detail) -> str:
        return assess(Change("Modify", "R", balancer, "False", details=(detail,)), {}, {}, widens=False).kind

    assert (kind(reference), kind(replace(reference, cause=""))) == ("safe", "interruption")
