"""The printed policies allow every call of the commands, and every handler of the deployed resources."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.destruction.destroy import destroy
from cicd_templates.deploy.destruction.inventory import take_inventory
from cicd_templates.deploy.destruction.reimport import find_reimports, import_resources
from cicd_templates.deploy.destruction.scope import scope_of
from cicd_templates.deploy.doctor import examine
from cicd_templates.deploy.permissions.action_resources import TYPE_OF_KIND
from cicd_templates.deploy.permissions.handler_actions import (
    ACTIONS_WITHOUT_HANDLERS,
    handler_permissions,
    is_action,
    resource_kinds,
)
from cicd_templates.deploy.permissions.policies import policies
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.recovery.unsettled_stacks import unsettled
from cicd_templates.deploy.releases.archives import Archive
from cicd_templates.deploy.releases.release import follow, upload_source, wait_for_start
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.runs import deployment, status
from cicd_templates.errors import CicdError
from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.resource_types.registry import facts_of
from cicd_templates.template.stack_facts import stack_facts
from cicd_templates.template.stack_template import StackTemplate
from tests.conftest import PROJECT, rendered_stacks
from tests.fakes.iam_policies import Call, allows, authorized
from tests.fakes.recording import Recording
from tests.fakes.rendered_stacks import rendered
from tests.fakes.scripted_aws import WHEN, refusal
from tests.fakes.scripted_aws import aws as scripted
from tests.fakes.scripted_aws import clock as scripted_clock
from tests.fakes.simulated_aws import Clock, SimulatedAws
from tests.unit.deploy.doctor.doctor_fixtures import STAGING, TOOLS, examined
from tests.unit.deploy.doctor.doctor_fixtures import aws as account

LONGEST = [
    ("project/name", "p" * 16),
    ("services/" + "s" * 24, {"path_pattern": "/s/*", "checks": {"bandit": {"preset": "bandit"}}}),
]


def stacks_of(environment: str, *edits: tuple[str, Any], suffix: str | None = None) -> list[StackTemplate]:
    """Return the stacks of an environment, rendered from the committed configuration with edits."""
    found = []
    for stack in rendered_stacks(*edits, suffix=suffix):
        if stack.environment.name == environment:
            content = cloudformation_yaml.load(stack.text)
            found.append(StackTemplate(Path(stack.path), stack.text, content, stack_facts(content, stack.path)))
    return found


USED: list[tuple[str, Any]] = [
    ("databases/" + "d" * 20, {}),
    ("queues/" + "q" * 20, {}),
    ("tables/" + "t" * 20, {"partition_key": "id"}),
    (
        "services/parcel-dispatcher/uses",
        {"d" * 20: "readwrite", "q" * 20: "receive", "t" * 20: "read"},
    ),
]

CONFIGURATIONS: dict[str, Callable[[], list[StackTemplate]]] = {
    **{name: lambda name=name: read_stacks(PROJECT / "out" / name) for name in ("tools", "staging", "production")},  # type: ignore[misc] # bound
    **{
        f"longest names, {name}": lambda name=name: stacks_of(name, *LONGEST, suffix="x" * 10)  # type: ignore[misc] # bound
        for name in ("tools", "production")
    },
    **{
        f"databases, queues and tables, {name}": lambda edits=edits: stacks_of("production", *USED, *edits)  # type: ignore[misc] # bound
        for name, edits in {"usual names": [], "longest names": LONGEST}.items()
    },
    "not on the path": lambda: stacks_of(
        "staging",
        ("pipeline/path", ["production"]),
        ("services/parcel-dispatcher/autoscaling", {"maximum": 4, "cpu_percent": 60}),
    ),
    "every feature": lambda: stacks_of(
        "staging",
        ("services/parcel-dispatcher/rollout", "canary"),
        ("services/parcel-dispatcher/rollback_on_alarm", True),
        ("services/parcel-dispatcher/hooks", ["smoke", "verify-image"]),
        ("services/parcel-dispatcher/audited_exec", True),
        ("services/parcel-dispatcher/secrets", {"TOKEN": "token"}),
        ("environments/staging/endpoints", "all"),
        ("environments/staging/role_path", "/delivery/"),
        ("pipeline/enhanced_scanning", True),
    ),
}


@pytest.mark.no_cover
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_every_handler_may_work_on_every_resource_that_is_rendered(configuration: str) -> None:
    stacks = CONFIGURATIONS[configuration]()
    documents = list(policies(stacks).values())
    denied = set()
    seen = 0
    for stack in stacks:
        if stack.deployed_as is not None:
            continue
        for resource in stack.resources.values():
            for action, arn in handled(stack, resource):
                seen += 1
                context = {"kms:GrantIsForAWSResource": "true"} if action == "kms:CreateGrant" else {}
                if not allows(documents, action, arn, context):
                    denied.add((action, arn))

    assert denied == set()
    assert seen > 400


def handled(stack: StackTemplate, resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every permission that the handlers of a resource need, with the ARN of only this resource."""
    kind = resource["Type"]
    facts = facts_of(kind)
    name = resource.get("Properties", {}).get(facts.name_property)
    listed = {action for permissions in handler_permissions(kind, stack.region).values() for action in permissions}
    for action in sorted(listed | set(ACTIONS_WITHOUT_HANDLERS.get(kind, ()))):
        # Actions of services that no template uses are left out on purpose; a test of the policies says so.
        if not is_action(action) or action in ("iam:PassRole", "iam:CreateServiceLinkedRole") or unused(action):
            continue
        service, kinds = action.partition(":")[0], resource_kinds(action)
        restricted = [each for each in kinds if (service, each) in TYPE_OF_KIND]
        used = list(used_besides(stack, kind, action, kinds))
        yield from ((action, arn) for arn in used)
        if not restricted and not used:
            yield action, "*"
        for each in restricted:
            if isinstance(name, str) and TYPE_OF_KIND[service, each] is facts:
                path = resource["Properties"].get("Path", "/")
                own = name.removeprefix("alias/")
                arn = facts.arns[each].format(region=stack.region, account=stack.account, role_path=path, name=own)
                yield action, f"arn:aws:{arn}{'/50dc6c495c0c9188' if 'elasticloadbalancing' in arn else ''}"


def used_besides(stack: StackTemplate, kind: str, action: str, kinds: Sequence[str]) -> Iterator[str]:
    """Return the ARNs that RDS uses by itself: default groups, and the secret with the administrator's password."""
    if kind.startswith("AWS::RDS::"):
        place = f"{stack.region}:{stack.account}"
        defaults = {"og": "default:aurora-postgresql-17", "pg": "default.aurora-postgresql17"}
        if action.startswith("rds:"):
            yield from (f"arn:aws:rds:{place}:{each}:{name}" for each, name in defaults.items() if each in kinds)
        if action in ("secretsmanager:CreateSecret", "secretsmanager:TagResource"):
            yield f"arn:aws:secretsmanager:{place}:secret:rds!cluster-4ab8"


# Services that the schemas of our types name for features which no template uses.
OTHERS = {
    "autoscaling": "flow logs of Auto Scaling groups",
    "codestar-connections": "pipelines from a connection, which have a statement of their own",
    "cognito-idp": "listeners that authenticate users",
    "elasticfilesystem": "functions with a file system",
    "firehose": "log groups that deliver to Firehose",
    "kinesis": "tables that send their changes to a stream",
    "s3files": "functions with a file system",
    "s3tables": "buckets with metadata tables",
    "vpc-lattice": "endpoints of service networks",
    "vpce": "endpoints of another region",
}


def unused(action: str) -> bool:
    return action.partition(":")[0] in OTHERS


def refused(
    calls: Sequence[Call], stacks: Sequence[StackTemplate], *, destroying: bool = False
) -> set[tuple[str, str]]:
    documents = list(policies(stacks, destroying=destroying).values())
    return {
        (action, resource)
        for call in calls
        for action, resource, context in authorized(call, stacks[0].region, stacks[0].account)
        if not allows(documents, action, resource, context)
    }


PIPELINE = "parcel-dispatcher-shipping-tools"
KEY_ARN = "arn:aws:kms:eu-central-1:222222222222:key/k-1"


def small(more: Mapping[str, Any] | None = None) -> list[StackTemplate]:
    """Return stacks with a bucket and a value that one reads from another. Another revision has one more bucket."""
    root = "/shipping/staging"
    data = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "shipping-staging-data"}}
    return [
        rendered("keys", publishes={f"{root}/keys/Value": "k"}),
        rendered(
            "storage",
            reads={"Key": f"{root}/keys/Value"},
            resources={"Data": data, **({"More": more} if more else {})},
        ),
    ]


class Account:
    """A simulated account with stacks of two environments, and the calls of each command in it."""

    def __init__(self, folder: Path) -> None:
        self.aws = SimulatedAws(Clock())
        self.clients: Any = Recording(self.aws)
        self.stacks = small()
        self.context = DeployContext(
            self.clients,  # type: ignore[arg-type] # the recording stands in
            self.aws.clock.polling(),
            folder,
            wait_for_busy=True,
            today=self.aws.clock.today,
        )
        self.reporter = report.PlainReporter(io.StringIO())
        self.folder = folder
        # Another environment in the same account, deployed by somebody else.
        other = DeployContext(self.aws, self.aws.clock.polling(), folder / "other", today=self.aws.clock.today)  # type: ignore[arg-type] # the simulation
        deployment.deploy(other, [rendered("keys", environment="tools")], self.reporter, lambda question: True)

    def calls_of(self, verb: Callable[[], object]) -> list[Call]:
        before = len(self.clients.calls)
        verb()
        made: list[Call] = self.clients.calls[before:]
        return made

    def plan(self) -> None:
        deployment.plan(self.context, self.stacks, self.reporter)

    def discard(self) -> None:
        deployment.discard(self.context, self.stacks)

    def deploy(self) -> None:
        deployment.deploy(self.context, self.stacks, self.reporter, lambda question: True)

    def change(self) -> None:
        self.stacks = small({"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "shipping-staging-more"}})

    def fail(self) -> None:
        self.aws.fails = {"shipping-staging-storage"}
        with pytest.raises(CicdError):
            self.deploy()
        self.aws.fails = set()

    def status(self) -> None:
        status.status_rows(self.clients, self.stacks, self.stacks)
        status.outputs(self.clients, self.stacks)

    def recover(self) -> None:
        list(unsettled(self.clients, self.stacks, {}))

    def destroy(self) -> None:
        there = take_inventory(self.clients, scope_of(self.stacks), protected=False)
        destroy(self.clients, there, self.aws.clock.polling(), self.reporter, path=self.folder / "report.json")


@pytest.mark.no_cover
def test_no_call_of_a_verb_is_denied_under_the_printed_policies(tmp_path: Path) -> None:
    account_ = Account(tmp_path)
    verbs = ["deploy", "status", "change", "plan", "discard", "fail", "recover", "deploy", "status", "destroy"]
    seen = []
    for verb in verbs:
        calls = account_.calls_of(getattr(account_, verb))
        assert bool(calls) == (verb != "change"), verb
        assert refused(calls, account_.stacks, destroying=verb == "destroy") == set(), verb
        seen += [operation for _, operation, _ in calls]

    assert {"create_change_set", "execute_change_set", "describe_stacks", "delete_change_set", "delete_stack"} <= set(
        seen
    )
    assert any(operation == "describe_stacks" and not request for _, operation, request in account_.clients.calls)


@pytest.mark.no_cover
@pytest.mark.parametrize("stacks", [STAGING, TOOLS], ids=["staging", "tools"])
def test_no_call_of_the_doctor_is_denied(stacks: list[StackTemplate]) -> None:
    number = stacks[0].account
    caller = {"Account": number, "Arn": f"arn:aws:iam::{number}:user/me", "UserId": "u"}
    fake = account({"sts.get_caller_identity": caller}, deployed=True)
    list(examine(examined(fake, stacks)))
    calls: list[Call] = [(*call.split(".", 1), request) for call, request in fake.calls]  # type: ignore[misc] # two words

    assert len(calls) > 20
    assert refused(calls, stacks) == set()


@pytest.mark.no_cover
@pytest.mark.parametrize("names", ["usual names", "longest names"])
def test_no_call_about_a_database_is_denied(names: str) -> None:
    stacks = CONFIGURATIONS[f"databases, queues and tables, {names}"]()
    (layer,) = [stack for stack in stacks if stack.layer == "databases"]
    physical = {
        resource["Type"].rpartition("::")[2]: resource["Properties"].get(facts_of(resource["Type"]).name_property)
        for resource in layer.resources.values()
    }
    cluster = {"DBClusterIdentifier": physical["DBCluster"]}
    # CloudFormation names a final snapshot after the stack and the resource.
    snapshot = {"DBClusterSnapshotIdentifier": f"{layer.name}-snapshot-ledgercluster-1ab2"}
    calls: list[Call] = [
        ("rds", "describe_db_clusters", cluster),
        ("rds", "describe_db_instances", {"DBInstanceIdentifier": physical["DBInstance"]}),
        ("rds", "describe_db_subnet_groups", {"DBSubnetGroupName": physical["DBSubnetGroup"]}),
        (
            "rds",
            "describe_db_cluster_parameter_groups",
            {"DBClusterParameterGroupName": physical["DBClusterParameterGroup"]},
        ),
        ("rds", "describe_db_cluster_snapshots", cluster),
        ("rds", "describe_db_cluster_snapshots", snapshot),
        ("rds", "modify_db_cluster", cluster),
        ("rds", "delete_db_cluster_snapshot", snapshot),
    ]

    assert refused(calls, stacks, destroying=True) == set()
    assert {action for action, _ in refused(calls, stacks)} == {"rds:DeleteDBClusterSnapshot"}


def test_who_deploys_makes_grants_only_through_aws_services() -> None:
    documents = list(policies(CONFIGURATIONS["databases, queues and tables, usual names"]()).values())
    key = KEY_ARN.replace("2" * 12, "3" * 12)

    assert allows(documents, "kms:CreateGrant", key, {"kms:GrantIsForAWSResource": "true"})
    assert not allows(documents, "kms:CreateGrant", key)


def test_no_call_of_a_release_is_denied() -> None:
    run = {"pipelineExecutionId": "e", "status": "Succeeded"}
    revision = {"actionName": "App", "revisionId": "v"}
    clients: Any = Recording(
        scripted(
            s3={"put_object": {"VersionId": "v"}},
            codepipeline={
                "list_pipeline_executions": {"pipelineExecutionSummaries": [{**run, "sourceRevisions": [revision]}]},
                "get_pipeline_execution": {"pipelineExecution": run},
                "list_action_executions": {"actionExecutionDetails": []},
            },
        )
    )
    version = upload_source(
        clients, "shipping-tools-source-111111111111-eu-central-1", "x/source.zip", Archive(b"", "r", "a")
    )
    follow(clients, PIPELINE, wait_for_start(clients, PIPELINE, version, scripted_clock()), scripted_clock(), print)

    assert len(clients.calls) == 4
    assert refused(clients.calls, TOOLS) == set()


def test_no_call_of_an_adoption_is_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keys = next(stack for stack in STAGING if stack.layer == "keys")
    arn = f"arn:aws:cloudformation:eu-central-1:222222222222:stack/{keys.name}/1"
    states = iter(["IMPORT_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE"])
    imported: list[bool] = []

    def described(StackName: str = "") -> dict[str, Any]:  # noqa: N803 - AWS's word
        if not StackName:
            return {"Stacks": []}
        if StackName == arn:
            tags = [{"Key": key, "Value": value} for key, value in keys.tags.items()]
            return {"Stacks": [{"StackName": keys.name, "StackId": arn, "CreationTime": WHEN, "Tags": tags,
                                "StackStatus": "DELETE_COMPLETE"}]}  # fmt: skip
        if not imported:
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [{"StackStatus": next(states)}]}

    kept = {"LogicalResourceId": "Key", "ResourceType": "AWS::KMS::Key", "ResourceStatus": "DELETE_SKIPPED"}
    clients: Any = Recording(
        scripted(
            cloudformation={
                "describe_stacks": described,
                "list_stacks": {
                    "StackSummaries": [
                        {"StackName": keys.name, "StackId": arn, "StackStatus": "DELETE_COMPLETE", "DeletionTime": WHEN}
                    ]
                },
                "describe_stack_events": {"StackEvents": [{**kept, "PhysicalResourceId": "k-1"}]},
                "create_change_set": {"Id": arn.replace("stack/", "changeSet/"), "StackId": arn},
                "describe_change_set": {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE"},
            },
            kms={"describe_key": {"KeyMetadata": {"KeyState": "Enabled", "Arn": KEY_ARN}}},
            ssm={"get_parameters_by_path": {"Parameters": []}, "get_parameters": {"Parameters": []}},
        )
    )
    (back,) = find_reimports(clients, STAGING)
    imported.append(True)
    import_resources(clients, back, scripted_clock())

    assert {"create_change_set", "update_stack"} <= {operation for _, operation, _ in clients.calls}
    assert refused(clients.calls, STAGING, destroying=True) == set()


def test_a_deployer_executes_the_change_sets_of_plans_but_no_preview_of_a_pull_request() -> None:
    documents = list(policies(small()).values())
    place = "arn:aws:cloudformation:eu-central-1:222222222222"
    names = ("cicd-templates-1", "cicd-preview-1")

    allowed = [
        allows(
            documents,
            "cloudformation:ExecuteChangeSet",
            f"{place}:stack/shipping-staging-keys/1",
            {"cloudformation:ChangeSetName": name},
        )
        for name in (*names, *(f"{place}:changeSet/{name}/1" for name in names))
    ]
    assert allowed == [True, False, True, False]
