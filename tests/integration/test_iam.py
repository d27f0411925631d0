"""Who may do what, answered by the local AWS with IAM enforced: identity, resource, key and trust policies together.

Every principal makes every attempt with its own credentials. The listed attempts are allowed, and no others.
docs/review.md lists where the local AWS differs from AWS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from cicd_templates.local.engine_process import Engine, running
from cicd_templates.template import cloudformation_yaml
from tests.integration.attempts import (
    ANOTHER_RUN,
    ATTEMPTS,
    NAME,
    REGION,
    RUN,
    SERVICE,
    SIMULATED,
    SOURCE,
    Place,
    allowed,
)
from tests.integration.conftest import ENGINE_PYTHON, Project, make_project

# All on one worker, because they share what takes longest.
pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.xdist_group("enforced IAM")]

# Not a secret. With this external id, the tests get sessions of roles that only a service may assume.
DOOR = "the-tests"
LOADER = botocore.loaders.create_loader()

CHECK = {"read the source of its run", "encrypt with the tools key"}
FUNCTION = {"encrypt with the tools key", "send a dead letter"}
SOURCES = {"put another source into a run", "put other templates into a run"}
HAND_ON = {"hand on Bandit's report", "hand on Snyk's report"} | SOURCES
PEOPLE = {"look at runs", "read the evidence"}
# For each principal, the attempts that are allowed. A role is named by its logical id, a group of people by its policy.
MAY: dict[str, set[str]] = {
    "build UnitTestsRole": CHECK | {"fill the unit tests' cache"},
    "build BanditRole": CHECK
    | {"read Bandit's cache", "fill Bandit's cache", "hand on Bandit's report", "write Bandit's log"},
    "build SafetyRole": CHECK | {"read the Safety key"},
    "build SnykRole": CHECK | {"hand on Snyk's report", "read the Snyk token", "write Snyk's log"},
    "build SecretsRole": CHECK,
    "build ImageRole": CHECK
    | {
        "put the packages of an image",
        "log in to the registry",
        "push a layer",
        "pull an image",
        "write the image build's log",
    },
    "build BillOfMaterialsRole": CHECK | {"put a bill of materials", "fill the bill of materials' cache"},
    "build ImageScanRole": CHECK | {"put the scan of an image"},
    "build SmokeTestRole": CHECK,
    "scan-gate ScanGateRole": FUNCTION
    | {
        # It is the function that says which releases have passed.
        "list the scan of an image as a release",
        "put a verdict",
        "read the evidence",
        "read the reviewed templates",
        "read Snyk's report",
        "remember a release",
    },
    "signer SignerRole": FUNCTION
    | {
        "sign",
        "state what was deployed",
        "read what was approved",
        "act as production's reviewer",
        "list the evidence",
        "put statements",
        "read the evidence",
        "read the public key",
        "read Snyk's report",
        "read the source of its run",
    },
    "review ReviewRole": FUNCTION
    | {"act as production's reviewer", "read the reviewed templates", "record what is approved"},
    "review ApprovalCheckRole": FUNCTION | {"act as production's reviewer", "read what was approved"},
    "monitoring StuckRole": FUNCTION,
    "monitoring MeasureRole": FUNCTION,
    "pipeline PipelineRole": CHECK
    | HAND_ON
    | {
        "read the templates of its run",
        "read Snyk's report",
        "act as the source action",
        "act as the gate's action",
        "act as staging's delivery",
        "act as production's delivery",
    },
    "pipeline AppActionRole": {
        "put another source into a run",
        "read the released source",
        "encrypt with the tools key",
    },
    "pipeline TemplatesActionRole": {
        "put other templates into a run",
        "read the reviewed templates",
        "encrypt with the tools key",
    },
    "pipeline BanditActionRole": {"start Bandit's build"},
    "pipeline ImageActionRole": {"start the image build"},
    "pipeline GateActionRole": {"call the gate", "list functions"},
    "pipeline CheckStagingActionRole": {"call the approval check", "list functions"},
    "pipeline CheckProductionActionRole": {"call the approval check", "list functions"},
    "pipeline AttestStagingActionRole": {"call the signer", "list functions"},
    "pipeline AttestProductionActionRole": {"call the signer", "list functions"},
    "pipeline ProductionApproveActionRole": {"ask the approvers", "encrypt with the tools key"},
    "pipeline StartRole": {"start a run"},
    "access DevelopersPolicy": PEOPLE | {"release a source", "find where to release", "encrypt with the tools key"},
    "access ApproversPolicy": PEOPLE | {"approve production", "read what was approved"},
    "access AuditorsPolicy": {
        "read the evidence",
        "list the evidence",
        "read what was approved",
        "read the public key",
    },
    "access OperatorsPolicy": PEOPLE
    | {"start a run", "stop a run", "retry a stage", "roll a stage back", "hold a stage"},
}
# Principals of production, which has an account of its own.
MAY_THERE: dict[str, set[str]] = {
    "delivery DeliveryRole production": {"read the templates of its run"},
    "delivery ReviewRole production": set(),
    "delivery ReviewRole staging": set(),
    "delivery CloudFormationRole production": set(),
    "service ExecutionRole production": {"log in to the registry", "pull an image"},
    "service TaskRole production": set(),
}
# Access across accounts. In the local AWS, other accounts cannot use a bucket, whatever its policy says.
# For these attempts, the policy simulator answers only for the caller's own policies.
ARTIFACTS, EVIDENCE = (
    f"arn:aws:s3:::shipping-tools-{name}-{{tools}}-{REGION}/{RUN}/Templates/x" for name in ("artifacts", "evidence")
)
OTHERS = ARTIFACTS.replace(RUN, ANOTHER_RUN)
STATEMENT = f"arn:aws:s3:::shipping-tools-evidence-{{tools}}-{REGION}/{SERVICE}/1/signed/release.dsse.json"
KEY_OF_TOOLS = f"arn:aws:kms:{REGION}:{{tools}}:key/00000000-0000-4000-8000-000000000001"
STACK = f"arn:aws:cloudformation:{REGION}:{{production}}:stack/shipping-production-service-{SERVICE}/1"
RUNNING = f"arn:aws:ecs:{REGION}:{{production}}:service/shipping-production-cluster/shipping-production-{SERVICE}"
ALARM = f"arn:aws:cloudwatch:{REGION}:{{production}}:alarm:shipping-production-{SERVICE}-errors"
CARRIER_KEY = f"arn:aws:secretsmanager:{REGION}:{{staging}}:secret:shipping-staging-{SERVICE}-carrier-key-Ab12Cd"
IMAGES = f"arn:aws:ecr:{REGION}:{{tools}}:repository/{NAME}"
ACROSS = [
    ("delivery DeliveryRole production", "s3:GetObject", ARTIFACTS, True),
    ("delivery DeliveryRole staging", "s3:GetObject", ARTIFACTS, True),
    ("delivery DeliveryRole staging", "s3:GetObject", OTHERS, False),
    ("delivery DeliveryRole production", "s3:GetObject", ARTIFACTS.replace("Templates", "App"), False),
    ("delivery DeliveryRole production", "s3:PutObject", ARTIFACTS, False),
    ("delivery DeliveryRole production", "s3:GetObject", EVIDENCE, False),
    ("delivery DeliveryRole production", "ecr:BatchGetImage", IMAGES, False),
    ("service ExecutionRole production", "ecr:BatchGetImage", IMAGES, True),
    ("service ExecutionRole staging", "ecr:BatchGetImage", IMAGES, True),
    ("service ExecutionRole production", "ecr:PutImage", IMAGES, False),
    ("service ExecutionRole production", "s3:GetObject", ARTIFACTS, False),
    ("service TaskRole production", "ecr:BatchGetImage", IMAGES, False),
    ("service TaskRole production", "s3:GetObject", ARTIFACTS, False),
    ("delivery ReviewRole production", "s3:GetObject", ARTIFACTS, False),
    *(
        (f"delivery {role} production", f"cloudformation:{verb}ChangeSet", STACK, role == "DeliveryRole")
        for verb in ("Create", "Delete", "Execute")
        for role in ("DeliveryRole", "ReviewRole", "CloudFormationRole")
    ),
    ("delivery DeliveryRole staging", "cloudformation:CreateChangeSet", STACK, False),
    ("delivery ReviewRole production", "cloudformation:DescribeChangeSet", STACK, True),
    ("delivery ReviewRole production", "cloudformation:GetTemplate", STACK, True),
    ("delivery ReviewRole production", "cloudformation:DescribeStackResources", STACK, True),
    (
        "delivery ReviewRole production",
        "cloudformation:DescribeStackResources",
        STACK.replace("-service-", "-health-"),
        True,
    ),
    (
        "delivery ReviewRole production",
        "cloudformation:DescribeStackResources",
        STACK.replace("-service-", "-x-"),
        False,
    ),
    ("delivery ReviewRole production", "ecs:DescribeServices", RUNNING, True),
    ("delivery ReviewRole production", "ecs:UpdateService", RUNNING, False),
    ("delivery ReviewRole staging", "ecs:DescribeServices", RUNNING, False),
    ("delivery ReviewRole production", "cloudwatch:DescribeAlarmHistory", ALARM, True),
    ("delivery ReviewRole production", "cloudwatch:DescribeAlarms", ALARM, True),
    ("delivery ReviewRole production", "cloudwatch:DescribeAlarms", f"{ALARM}-2", False),
    ("delivery ReviewRole production", "cloudwatch:SetAlarmState", ALARM, False),
    *(
        (f"delivery ReviewRole {own}", f"cloudformation:{action}", STACK.replace("production", of), own == of and may)
        for own, of in (("staging", "staging"), ("staging", "production"), ("production", "staging"))
        for action, may in (("DescribeChangeSet", True), ("GetTemplate", True), ("ExecuteChangeSet", False))
    ),
    ("review ReviewRole tools", "cloudformation:CreateChangeSet", STACK, False),
    ("review ApprovalCheckRole tools", "cloudformation:CreateChangeSet", STACK, False),
    ("pipeline PipelineRole tools", "cloudformation:CreateChangeSet", STACK, False),
    # The simulator knows no condition keys, so it allows nothing that has a condition. tests/unit/templates has the
    # conditions of the hook.
    ("hooks VerifyImageRole staging", "s3:GetObject", STATEMENT, True),
    ("hooks VerifyImageRole staging", "s3:GetObject", STATEMENT.replace(SERVICE, "another"), False),
    ("hooks VerifyImageRole staging", "s3:GetObject", STATEMENT.replace("signed/release.dsse", "verdict"), False),
    *(("hooks VerifyImageRole staging", f"s3:{verb}Object", STATEMENT, False) for verb in ("Put", "Delete")),
    *(
        ("hooks VerifyImageRole staging", f"kms:{action}", KEY_OF_TOOLS, False)
        for action in ("Sign", "GetPublicKey", "CreateGrant", "Encrypt", "Verify")
    ),
    ("hooks VerifyImageRole staging", "s3:ListBucket", STATEMENT.partition("/")[0], False),
    ("service ExecutionRole staging", "s3:GetObject", STATEMENT, False),
    # A new deployment after a rotation: of one service, without another task definition, and without the secret.
    *(
        ("rotation RotationRole staging", f"ecs:{action}", RUNNING.replace("production", "staging"), may)
        for action, may in (
            ("ListServiceDeployments", True),
            ("UpdateService", True),
            ("DeleteService", False),
            ("StopServiceDeployment", False),
        )
    ),
    ("rotation RotationRole staging", "ecs:UpdateService", f"{RUNNING.replace('production', 'staging')}-2", False),
    ("rotation RotationRole staging", "ecs:UpdateService", RUNNING, False),
    ("rotation RotationRole staging", "ecs:RegisterTaskDefinition", "*", False),
    ("rotation RotationRole staging", "ecs:RunTask", "*", False),
    ("rotation RotationRole staging", "iam:PassRole", "*", False),
    ("rotation RotationRole staging", "secretsmanager:GetSecretValue", CARRIER_KEY, False),
    ("service ExecutionRole staging", "ecs:UpdateService", RUNNING.replace("production", "staging"), False),
]
# The same in an auditor's words: the principal, the attempt, and whether it is allowed.
SENTENCES = [
    ("developers release, and cannot start production", "access DevelopersPolicy", "start a run", False),
    ("developers cannot approve", "access DevelopersPolicy", "approve production", False),
    ("only approvers approve", "access ApproversPolicy", "approve production", True),
    ("operators do not approve", "access OperatorsPolicy", "approve production", False),
    ("approvers read what they approve", "access ApproversPolicy", "read what was approved", True),
    ("approvers replace nothing of it", "access ApproversPolicy", "replace what was approved", False),
    ("developers do not read what was approved", "access DevelopersPolicy", "read what was approved", False),
    ("approvers release nothing", "access ApproversPolicy", "release a source", False),
    ("auditors read no source", "access AuditorsPolicy", "read the source of its run", False),
    ("auditors put no evidence", "access AuditorsPolicy", "put any evidence", False),
    ("nobody overrides a lock", "access OperatorsPolicy", "override a lock", False),
    ("the Bandit project can write its report", "build BanditRole", "hand on Bandit's report", True),
    ("the Bandit project can write its log", "build BanditRole", "write Bandit's log", True),
    ("the Bandit project cannot write Snyk's", "build BanditRole", "write Snyk's log", False),
    ("only Snyk reads its token", "build BanditRole", "read the Snyk token", False),
    ("a check cannot replace the source", "build BanditRole", "release a source", False),
    ("a check cannot hand on another check's report", "build SnykRole", "hand on Bandit's report", False),
    ("a check cannot replace what a run builds from", "build BanditRole", "put another source into a run", False),
    ("no code of a service reads another's source", "build UnitTestsRole", "read another service's source", False),
    ("a check cannot read another check's report", "build UnitTestsRole", "read Snyk's report", False),
    ("a pipeline writes nothing of another", "pipeline PipelineRole", "put another service's source into a run", False),
    ("a check cannot push an image", "build BanditRole", "push a layer", False),
    ("the image build cannot delete an image", "build ImageRole", "delete an image", False),
    ("only the review records what is approved", "review ApprovalCheckRole", "record what is approved", False),
    ("no build records what is approved", "build ImageRole", "record what is approved", False),
    ("no build puts a verdict", "build ImageScanRole", "put a verdict", False),
    ("the gate puts no statements", "scan-gate ScanGateRole", "put statements", False),
    ("the gate puts no evidence of a build", "scan-gate ScanGateRole", "put the scan of an image", False),
    ("the signer puts no verdict", "signer SignerRole", "put a verdict", False),
    ("the signer puts no evidence of a build", "signer SignerRole", "put the packages of an image", False),
    ("no build puts the evidence of another build", "build ImageRole", "put the scan of an image", False),
    ("no build says what passed", "build ImageScanRole", "list the scan of an image as a release", False),
    ("a record of an approval is never replaced", "review ReviewRole", "replace what was approved", False),
    ("evidence is never replaced", "scan-gate ScanGateRole", "put evidence where some may be already", False),
    ("only the signer states what was deployed", "review ApprovalCheckRole", "state what was deployed", False),
    ("no build states what was deployed", "build ImageRole", "state what was deployed", False),
    ("the gate does not state what was deployed", "scan-gate ScanGateRole", "state what was deployed", False),
    ("the signer signs", "signer SignerRole", "sign", True),
    ("the build of an image cannot sign it", "build ImageRole", "sign", False),
    ("the check of signatures cannot sign", "review ApprovalCheckRole", "sign", False),
    ("the signer cannot let others sign", "signer SignerRole", "let somebody sign", False),
    ("the gate cannot write its own reports", "scan-gate ScanGateRole", "hand on Bandit's report", False),
    ("the pipeline reaches production as its delivery", "pipeline PipelineRole", "act as production's delivery", True),
    ("no check reaches production", "build SnykRole", "act as production's delivery", False),
    ("nothing wears CloudFormation's role", "pipeline PipelineRole", "act as CloudFormation in production", False),
]


WITH_HOOK = f"""
[environments.staging.services.{SERVICE}]
rollout = "blue-green"
rollback_on_alarm = true
hooks = ["verify-image"]
secrets = {{ CARRIER_KEY = "carrier-key" }}
"""


@dataclass(eq=False)
class World:
    """All deployed stacks, and the answers so far about who may make which attempt."""

    project: Project
    engine: Engine
    place: Place
    answers: dict[str, set[str]] = field(default_factory=dict)

    def session(self, credentials: dict[str, Any], *, tls: bool = True) -> Callable[[str], Any]:
        # The models of the services are loaded once instead of once for each of thirty principals.
        bare = botocore.session.Session()
        bare.register_component("data_loader", LOADER)
        session = boto3.session.Session(
            botocore_session=bare,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials.get("SessionToken"),
            region_name=REGION,
        )
        if tls:
            # A proxy that ends TLS in front of a service would set this. Without it, every bucket, topic and queue
            # denies access.
            session.events.register("before-send.*", _over_tls)
        config = Config(s3={"addressing_style": "path"}, proxies={}, retries={"total_max_attempts": 1})
        clients: dict[str, Any] = {}

        def client(service: str) -> Any:
            if service not in clients:
                clients[service] = session.client(service, endpoint_url=self.engine.url, config=config)  # type: ignore[call-overload] # any service
            return clients[service]

        return client

    @cache  # noqa: B019 - there is one world
    def root(self, environment: str) -> Callable[[str], Any]:
        return self.session({"AccessKeyId": self.place.accounts[environment], "SecretAccessKey": self.engine.secret})

    def physical(self, stack: str, logical_id: str, environment: str = "tools") -> str:
        (path,) = (self.project.folder / f"out/{environment}").glob(f"{stack}-parcel-dispatcher.yaml")
        properties = cloudformation_yaml.load(path.read_text())["Resources"][logical_id]["Properties"]
        return str(properties.get("RoleName") or properties["ManagedPolicyName"])

    def principal(
        self, stack: str, logical_id: str, environment: str = "tools", *, tls: bool = True
    ) -> tuple[str, Callable[[str], Any]]:
        """Return the ARN of a role, or of a user with a policy, and clients with its credentials."""
        iam, name = self.root(environment)("iam"), self.physical(stack, logical_id, environment)
        if logical_id.endswith("Policy"):
            user = iam.create_user(UserName=f"{logical_id}-{len(self.answers)}")["User"]
            iam.attach_user_policy(UserName=user["UserName"], PolicyArn=self.place.arn("iam", f"policy/{name}"))
            return user["Arn"], self.session(iam.create_access_key(UserName=user["UserName"])["AccessKey"])
        role = iam.get_role(RoleName=name)["Role"]
        trust = role["AssumeRolePolicyDocument"]
        door = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{self.place.accounts[environment]}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": DOOR}},
        }
        added = {**trust, "Statement": [*trust["Statement"], door]}
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(added))
        sts = self.root(environment)("sts")
        session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="tries", ExternalId=DOOR)["Credentials"]
        return role["Arn"], self.session(session, tls=tls)

    def may(self, who: str) -> set[str]:
        """Return all attempts that `who` may make. Each attempt is made only once."""
        if who not in self.answers:
            arn, client = self.principal(*who.split())
            permitted = {attempt for attempt, call in ATTEMPTS.items() if allowed(call, client, self.place)}
            simulated = {attempt for attempt, asked in SIMULATED.items() if self.simulated(arn, *asked)}
            self.answers[who] = permitted | simulated
        return self.answers[who]

    def simulated(self, arn: str, action: str, resource: str) -> bool:
        """Return whether the principal's own policies allow `action`."""
        account = arn.split(":")[4]
        environment = next(name for name, known in self.place.accounts.items() if known == account)
        (answer,) = self.root(environment)("iam").simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource.format(**self.place.accounts)]
        )["EvaluationResults"]
        return bool(answer["EvalDecision"] == "allowed")


def _over_tls(request: Any, **_: Any) -> None:
    request.headers["X-Forwarded-Proto"] = "https"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(python=ENGINE_PYTHON, auth=True) as engine, pytest.MonkeyPatch.context() as patch:
        project = make_project(engine, tmp_path_factory.mktemp("iam"), patch)
        configuration = project.folder / "templates/environments.toml"
        configuration.write_text(configuration.read_text() + WITH_HOOK)
        project.render_and_commit()
        project.ok("deploy --env all --local --yes")
        keys = {
            name: project.clients(name).ssm.get_parameter(Name=f"/shipping/{name}/keys/KeyArn")["Parameter"]["Value"]
            for name in project.accounts
        }
        signing = "/shipping/tools/signer-parcel-dispatcher/SigningKeyArn"
        keys["signing"] = project.clients("tools").ssm.get_parameter(Name=signing)["Parameter"]["Value"]
        world = World(project, engine, Place(project.accounts, keys))
        _furnish(world)
        yield world


def _furnish(world: World) -> None:
    """Create the objects, secrets and log streams that the attempts need."""
    root = world.root("tools")
    for bucket, name in (
        ("source", SOURCE),
        *(("artifacts", f"{run}/{name}/there") for run in (RUN, ANOTHER_RUN) for name in ("App", "SnykReport")),
        ("artifacts", f"{RUN}/Templates/there"),
        ("cache", "parcel-dispatcher/bandit/pip"),
        ("evidence", "parcel-dispatcher/1/verdict.json"),
        ("evidence", "_approvals/parcel-dispatcher/change-sets.json"),
    ):
        root("s3").put_object(Bucket=world.place.bucket(bucket), Key=name, Body=b"x")
    for name in ("snyk-token", "safety-api-key"):
        root("secretsmanager").put_secret_value(SecretId=f"{NAME}-{name}", SecretString="x")


@pytest.mark.parametrize("who", MAY)
def test_a_principal_may_do_what_it_needs_and_nothing_else(world: World, who: str) -> None:
    assert world.may(who) == MAY[who]


@pytest.mark.parametrize("who", MAY_THERE)
def test_production_reads_of_tools_only_the_templates_that_it_deploys(world: World, who: str) -> None:
    assert world.may(who) == MAY_THERE[who]


@pytest.mark.parametrize(("who", "action", "resource", "may"), ACROSS)
def test_production_reads_from_tools_only_what_it_deploys(
    world: World, who: str, action: str, resource: str, may: bool
) -> None:
    stack, logical_id, environment = who.split()
    arn = world.place.arn("iam", f"role/{world.physical(stack, logical_id, environment)}", environment)

    assert world.simulated(arn, action, resource) == may


def test_nobody_but_the_signer_may_sign(world: World) -> None:
    signers = {who for who in (*MAY, *MAY_THERE) if "sign" in world.may(who)}

    assert signers == {"signer SignerRole"}
    assert not [who for who in (*MAY, *MAY_THERE) if {"let somebody sign", "change who may sign"} & world.may(who)]


def test_the_tables_allow_sixty_attempts_and_deny_many_more() -> None:
    tables = [*MAY.values(), *MAY_THERE.values()]
    yes = sum(map(len, tables))

    assert all(attempts <= {*ATTEMPTS, *SIMULATED} for attempts in tables)
    assert yes >= 60
    assert len(tables) * len({*ATTEMPTS, *SIMULATED}) - yes >= 120


def test_no_account_is_trusted_with_its_own_roles(world: World) -> None:
    for environment in world.project.accounts:
        sts = world.root(environment)("sts")
        roles = world.root(environment)("iam").list_roles()["Roles"]
        # The local AWS accepts an account as any service principal. So if a service does not have to name its source,
        # the account is accepted, too.
        closed = [role for role in roles if "IfExists" not in json.dumps(role["AssumeRolePolicyDocument"])]
        assert len(closed) >= 3
        for role in closed:
            with pytest.raises(ClientError, match="AccessDenied"):
                sts.assume_role(RoleArn=role["Arn"], RoleSessionName="tries")


def test_every_bucket_topic_and_queue_refuses_requests_without_tls(world: World) -> None:
    for who, attempt in (
        ("pipeline PipelineRole", "read the source of its run"),
        ("pipeline ProductionApproveActionRole", "ask the approvers"),
        ("review ReviewRole", "send a dead letter"),
    ):
        _, in_plain_text = world.principal(*who.split(), tls=False)
        assert attempt in world.may(who)
        assert not allowed(ATTEMPTS[attempt], in_plain_text, world.place)


@pytest.mark.parametrize(("sentence", "who", "attempt", "may"), SENTENCES, ids=[each[0] for each in SENTENCES])
def test_a_statement_of_an_auditor_is_true(world: World, sentence: str, who: str, attempt: str, may: bool) -> None:
    assert (attempt in world.may(who)) == may, sentence
