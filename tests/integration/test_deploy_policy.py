"""Every command that calls AWS, run by a principal that has only the policies which `make deploy-policy` prints.

The policies must allow each call before it is sent to the local AWS. The calls that CloudFormation makes for its caller
are not tested here. Unit tests compare them with the policies, for every handler of every resource type.
"""

from __future__ import annotations

import json
from datetime import timedelta

import click
import pytest

from cicd_templates.cli import main
from cicd_templates.deploy.aws.clients import Clients, local_clients
from cicd_templates.deploy.change_sets import copy_expiry
from cicd_templates.deploy.locking.holder import Holder
from tests.fakes.enforced_policies import EnforcedClients, Policies
from tests.integration.conftest import Project

pytestmark = [pytest.mark.integration, pytest.mark.long]

REGION = "eu-central-1"
SERVICE = "parcel-dispatcher"
# In an order in which each command has something to do, with its exit code.
DEPLOYING = [
    ("doctor --env staging", 1),
    ("plan --env staging", 0),
    ("plan-discard --env staging", 0),
    ("plan --env staging", 0),
    ("deploy --env staging --plan .state/local/plans/staging.json", 4),
    ("deploy --env all --yes --hand-over", 0),
    ("deploy --env all --yes", 0),
    ("unlock --env staging --holder 3f9c2a1b", 0),
    ("status --env all", 0),
    ("status --left --env staging", 0),
    ("outputs --env all", 0),
    ("drift --env all", 0),
    ("recover --env all", 0),
    (f"secret --env tools --service {SERVICE} --name snyk-token", 0),
    ("release --app {application}", 0),
    # The local AWS has no CodePipeline, so nothing is signed.
    ("evidence", 1),
    ("doctor --env all", 1),
]
DESTROYING = [
    ("destroy --env staging --yes", 0),
    ("destroy --env production --yes --allow production", 0),
    ("adopt --env production --yes", 0),
    ("sweep --env all --older-than 0h --yes", 0),
    ("destroy --env tools --yes --allow tools", 0),
]
ASKED_TO_DEPLOY = {
    "cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet", "cloudformation:ExecuteChangeSet",
    "ecs:ListTaskDefinitions", "iam:GetRole", "iam:PassRole", "kms:GetPublicKey", "s3:PutObject",
    "secretsmanager:PutSecretValue", "ssm:DeleteParameter", "ssm:PutParameter",
}  # fmt: skip
ASKED_TO_DESTROY = {
    "cloudformation:DeleteStack", "cloudformation:UpdateTerminationProtection",
    "ecs:UpdateService", "kms:DescribeKey", "s3:ListBucketVersions", "tag:GetResources",
}  # fmt: skip
# Commands that make no call with the caller's credentials, and the acceptance run, which uses the other commands.
WITHOUT_CALLS = {
    "acceptance", "comment", "demo", "deploy-policy", "docs", "gate", "init", "lint", "local", "local-stop", "rehearse",
    "render", "review", "upgrade-check", "verify-evidence",
}  # fmt: skip


class Principal:
    """A principal with the printed policies in each account."""

    def __init__(self, project: Project, *options: str) -> None:
        self.policies: dict[str, Policies] = {}
        suffix = options[1:] if "--suffix" in options else ()
        for environment, account in project.accounts.items():
            printed = project.type(" ".join(["deploy-policy", "--env", environment, *options]))
            documents = list(json.loads(printed.stdout).values())
            name = "-".join(["shipping", environment, *suffix, "keys"])
            self.policies[account] = Policies(documents, account, REGION, name)

    def clients(self, url: str, account: str, region: str, secret: str) -> Clients:
        return EnforcedClients(local_clients(url, account, region, secret), self.policies[account])

    @property
    def denied(self) -> list[tuple[str, str]]:
        return [each for policies in self.policies.values() for each in policies.denied]

    def forgive(self) -> None:
        """Forget the denied calls, so that each command is judged alone."""
        for policies in self.policies.values():
            policies.denied.clear()

    @property
    def asked(self) -> set[str]:
        return {action for policies in self.policies.values() for action, _ in policies.asked}


def test_every_command_is_typed_here_or_makes_no_call() -> None:
    typed = {command.split()[0] for command, _ in (*DEPLOYING, *DESTROYING)}

    assert {*main.list_commands(click.Context(main))} == typed | WITHOUT_CALLS
    assert not typed & WITHOUT_CALLS


def test_no_call_of_a_command_is_denied_under_the_printed_policies(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = tmp_path_factory.mktemp("application")
    (application / "Dockerfile").write_text("FROM scratch\n")
    holder = Holder("3f9c2a1b", "deploy", "", "a-machine-that-is-gone", 1, "2026-01-02 03:04:05", "0.2.0")
    principal = Principal(project)
    monkeypatch.setattr("cicd_templates.cli.accounts.local_clients", lambda *request: principal.clients(*request))
    wrong = []

    def enter(commands: list[tuple[str, int]]) -> None:
        for command, code in commands:
            if command.startswith("unlock"):
                project.clients("staging").ssm.put_parameter(
                    Name="/shipping/staging/deployment-lock", Value=holder.to_json(), Type="String"
                )
            secret = "a-value" if command.startswith("secret") else None
            result = project.type(f"{command.format(application=application)} --local", input_text=secret)
            unexpected = None if isinstance(result.exception, SystemExit) else result.exception
            if (result.exit_code, principal.denied, unexpected) != (code, [], None):
                wrong.append((command, result.exit_code, principal.denied, unexpected, result.output[-300:]))
                principal.forgive()

    enter(DEPLOYING)
    # A plan of existing stacks has change sets, which are deleted when it is discarded.
    project.edit("log_retention_days = 30", "log_retention_days = 60")
    project.ok("render")
    enter([("plan --env all", 0), ("plan-discard --env all", 0)])
    project.edit("log_retention_days = 60", "log_retention_days = 30")
    asked = principal.asked
    # A copy that has expired, so that sweep has something to delete.
    project.ok("render --suffix pr1")
    monkeypatch.setattr(copy_expiry, "COPY_LIVES", timedelta(seconds=-1))
    principal = Principal(project, "--suffix", "pr1")
    enter([("deploy --env staging --layer keys --suffix pr1 --yes", 0)])
    principal = Principal(project, "--destroying")
    enter(DESTROYING)

    assert wrong == []
    assert asked >= ASKED_TO_DEPLOY
    assert principal.asked >= ASKED_TO_DESTROY
