"""One rehearsal of the example's release to production, and single actions repeated under changed conditions."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main
from cicd_templates.functions.evidence_format import (
    PREDICATE_TYPES,
    PUBLIC_KEY,
    RELEASE,
    SCAN_POLICY,
    VULNERABILITIES,
    name_of_test_result,
)
from cicd_templates.rehearsal import report
from cicd_templates.rehearsal.grants import GrantUse, unexplained_grants
from cicd_templates.rehearsal.pipeline_run import ActionFailedError
from cicd_templates.rehearsal.release_evidence import write_release_evidence
from cicd_templates.rehearsal.result import ActionProgress, ActionState, as_json, as_junit
from tests.conftest import ROOT
from tests.integration.rehearsed_example import Rehearsed, rehearsed
from tests.projects.rendering import EXAMPLE_NAMES
from tests.unit.deploy.plans.web_page.test_page import Parsed
from tests.unit.functions.sample_reports import snyk

# All on one worker, because they share what takes longest.
pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("rehearsal")]
NAME = "shipping-tools-parcel-dispatcher"
GRANTS = ROOT / "docs/rehearsal-grants.md"
ACCOUNTS = {"tools": "111111111111", "staging": "222222222222", "production": "333333333333"}
EVIDENCE = "shipping-tools-evidence-111111111111-eu-central-1"


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    with rehearsed(tmp_path_factory.mktemp("rehearsal")) as example:
        yield example


def test_the_example_passes_to_production(passed: Rehearsed) -> None:
    result = passed.rehearsal.result

    assert [(step.path, step.error) for step in result.steps if step.state is not ActionState.SUCCEEDED] == []
    assert result.succeeded
    assert "no problem found in definition, permissions and reports" in report.outcome_line(result)
    image = passed.run.variables["Image"]["IMAGE_URI"]
    root = passed.run.setup.root_session("arn:aws:iam::333333333333:role/x").client("cloudformation")
    stack = root.describe_stacks(StackName="shipping-production-service-parcel-dispatcher")["Stacks"][0]
    assert {"ParameterKey": "ImageUri", "ParameterValue": image} in stack["Parameters"]


def test_its_evidence_is_written(passed: Rehearsed) -> None:
    s3 = passed.run.setup.root_session(passed.run.pipeline.role).client("s3")
    objects = s3.list_objects_v2(Bucket=EVIDENCE, Prefix=f"parcel-dispatcher/{passed.run.execution}/")["Contents"]

    names = [each["Key"].partition(f"{passed.run.execution}/")[2] for each in objects]
    signed = [name for name in names if name.startswith("signed/")]
    statements = [*PREDICATE_TYPES, VULNERABILITIES, name_of_test_result("unit-tests")]
    expected = [RELEASE, PUBLIC_KEY, SCAN_POLICY, *statements]
    assert signed == [f"signed/{name}" for name in sorted(expected)]
    assert [name for name in names if name not in signed] == [
        "image-packages.cdx.json",
        "image-scan-production.json",
        "image-scan.json",
        "sbom.cdx.json",
        "summary.md",
        "verdict.json",
    ]


def test_the_page_that_its_approver_saw_is_evidence_and_needs_no_network(passed: Rehearsed) -> None:
    told = passed.run.variables["ReviewProduction"]
    address = urlsplit(told["PageUrl"])
    key = parse_qs(address.query)["prefix"][0]
    folder, _, name = key.rpartition("/")

    assert address.path == f"/s3/object/{EVIDENCE}"
    assert name == "page.html"
    assert folder == f"_approvals/parcel-dispatcher/production/{passed.run.execution}/{told['Reviewed']}"
    s3 = passed.run.setup.root_session(passed.run.pipeline.role).client("s3")
    files = {
        name: s3.get_object(Bucket=EVIDENCE, Key=f"{folder}/{name}")["Body"].read().decode()
        for name in ("change-sets.json", "page.html", "page.json")
    }
    assert hashlib.sha256(files["change-sets.json"].encode()).hexdigest() == told["Reviewed"]
    recorded = json.loads(files["change-sets.json"])["page"]
    assert recorded == {name: hashlib.sha256(files[name].encode()).hexdigest() for name in ("page.html", "page.json")}
    page = Parsed(files["page.html"])
    answers = [told[name] for name in ("WhatChanges", "WhatIsLost", "WhoCanDoMore")]
    assert [text for text in page.texts["dd"] if text.strip()][:3] == answers
    assert page.data == json.loads(files["page.json"])
    assert [page.data[name] for name in ("changes", "lost", "access")] == answers
    assert f"parcel-dispatcher to production, pipeline execution {passed.run.execution}" in page.texts["p"][0]
    assert page.attributes("src") | page.attributes("href") | page.attributes("style") == set()
    assert "default-src 'none'; " in files["page.html"]
    assert "Review {Reviewed}. ".format(**told) in step_of(passed, "Production/Approve").log


def step_of(passed: Rehearsed, path: str) -> ActionProgress:
    return next(step for step in passed.rehearsal.result.steps if step.path == path)


def test_each_deployment_is_attested_by_what_the_signer_has_read(passed: Rehearsed, signed: Path) -> None:
    payload = json.loads((signed / "deployments/production/1.dsse.json").read_text())["payload"]
    predicate = json.loads(base64.b64decode(payload))["predicate"]
    (stack,) = predicate["stacks"]
    account = f"arn:aws:iam::{ACCOUNTS['tools']}:root"

    assert "Problem" not in passed.run.variables["AttestStaging"]
    assert predicate["earlier"][0]["name"] == "deployments/staging/1.dsse.json"
    assert predicate["approval"]["record"] == passed.run.variables["ReviewProduction"]["Reviewed"]
    assert predicate["approval"]["approvedBy"] == account
    assert (stack["executed"], len(stack["taskDefinitions"])) == (True, 1)
    assert [service["taskDefinition"] for service in predicate["services"]] == stack["taskDefinitions"]
    assert [alarm["state"] for alarm in predicate["alarms"]] == ["INSUFFICIENT_DATA"] * 10
    notes = [note for step in passed.rehearsal.result.steps for note in step.notes]
    assert "the local AWS does not evaluate alarms, so their states do not show how the release behaves" in notes


@pytest.fixture(scope="module")
def signed(passed: Rehearsed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rehearsed") / "evidence"
    assert write_release_evidence(passed.run, folder) == []
    return folder


def test_its_evidence_is_verified_without_aws_in_an_empty_environment(passed: Rehearsed, signed: Path) -> None:
    command = [sys.executable, "-m", "cicd_templates", "verify-evidence", "."]
    command += ["--key", passed.run.variables["Sign"]["Signer"]]
    answer = subprocess.run(command, env={}, cwd=signed, capture_output=True, text=True, check=False)

    assert (answer.returncode, answer.stderr) == (0, "")
    assert f"execution: {passed.run.execution}" in answer.stdout.splitlines()
    assert f"image: {passed.run.variables['Image']['IMAGE_URI']}" in answer.stdout.splitlines()
    assert {"evidence/sbom.cdx.json", "reports/bandit.zip", "templates.zip"} < names(signed)


@pytest.mark.long
def test_every_file_of_its_evidence_fails_by_its_name_if_a_byte_is_changed(signed: Path) -> None:
    chance = random.Random(23)  # noqa: S311 - tests repeat with the same seed
    for name in sorted(names(signed)):
        path = signed / name
        content = path.read_bytes()
        # The example has no scan policy, so that file is empty.
        changed = bytearray(content or b"a")
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        result = CliRunner().invoke(main, ["verify-evidence", str(signed)])
        path.write_bytes(content)
        assert (result.exit_code, f"\n{name}: " in f"\n{result.output}") == (1, True), (name, result.output)
    assert CliRunner().invoke(main, ["verify-evidence", str(signed)]).exit_code == 0


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_parts_that_did_not_run_are_reported(passed: Rehearsed) -> None:
    text = " ".join(report.closing_lines(passed.rehearsal.result).split())

    for line in (
        "Verify/UnitTests: the tools come from a prepared virtual environment: 5 of 5 packages have the pinned version",
        "Verify/Snyk: snyk is not installed; instead, the recorded report rehearsal/snyk.json is used",
        "Verify/Safety: safety is not installed; instead, the recorded report rehearsal/safety.json is used",
        "Build/Image: no image is built; instead, a placeholder with a different digest is pushed",
        "Build/ImageScan, Build/Sign, Production-Window/ProductionImageScan: the local registry does not scan images",
        "Staging/Execute, Production/Execute: no containers were started",
        "Staging/StagingSmokeTest: a rehearsal starts no containers, so rehearsal/serve has started a local process;"
        " the variable SERVICE_URL has its address",
        "Verify: OnFailure RETRY Staging: OnFailure ROLLBACK Production-Window: OnSuccess DeploymentWindow",
        "AWS::CodePipeline::Pipeline",
    ):
        assert line in text


def test_every_granted_action_is_used_or_has_a_reason(passed: Rehearsed) -> None:
    grants = passed.rehearsal.result.grants
    roles = {use: {grant.role for grant in grants if grant.use is use} for use in GrantUse}

    assert unexplained_grants(grants) == []
    assert len(roles[GrantUse.USED]) > 25
    # An action that the engine does not check with IAM must not be shown as measured.
    assert {"shipping-production-delivery-execution-parcel-dispatcher"} < roles[GrantUse.NOT_MEASURED]
    assert roles[GrantUse.NOT_PART] == {f"{NAME}-stuck-function", f"{NAME}-measure-function"}
    assert not (roles[GrantUse.USED] | roles[GrantUse.UNUSED]) & (
        roles[GrantUse.NOT_MEASURED] | roles[GrantUse.NOT_PART]
    )


def test_the_documented_grants_are_those_of_the_run(passed: Rehearsed) -> None:
    # The document has the names of the example, and the run those of the project on which the tool is tested.
    matrix = report.matrix(passed.rehearsal.result.grants)
    for name, documented in EXAMPLE_NAMES.items():
        matrix = matrix.replace(name, documented)
    assert GRANTS.read_text().endswith(f"\n\n{matrix}")


def test_the_result_can_be_read_by_programs_too(passed: Rehearsed) -> None:
    result = json.loads(as_json(passed.rehearsal.result))
    junit = ElementTree.fromstring(as_junit(passed.rehearsal.result))  # noqa: S314 - written just now

    assert (result["succeeded"], result["source_version"]) == (True, passed.run.source_version)
    assert len(result["steps"]) == len(junit.findall("testcase")) == len(passed.run.pipeline.actions)
    assert junit.attrib["failures"] == "0"


def refused(step: ActionProgress, *expected: str) -> None:
    assert step.state is ActionState.FAILED
    for each in expected:
        assert each in step.error, step.error


# The path of an action, the role without the permission (empty: its own), the statement, and the missing action.
PERMISSIONS = [
    ("Source/App", "", "ReadTheSource", "s3:GetObjectVersion"),
    ("Source/Templates", "", "UseTheKey", "kms:GenerateDataKey"),
    ("Verify/Bandit", "", "RunTheProject", "codebuild:StartBuild"),
    ("Verify/Snyk", f"{NAME}-snyk", "ReadItsSecret", "secretsmanager:GetSecretValue"),
    ("Verify/Snyk", f"{NAME}-snyk", "UseTheKey", "kms:Decrypt"),
    ("Gate/Gate", f"{NAME}-scan-gate-function", "PutTheDecision", "s3:PutObject"),
    ("Gate/Gate", f"{NAME}-scan-gate-function", "FindTheReports", "codepipeline:ListActionExecutions"),
    ("Gate/Gate", f"{NAME}-scan-gate-function", "ReadTheReports", "s3:GetObject"),
    ("Gate/Gate", "", "CallTheFunction", "lambda:InvokeFunction"),
    ("Gate/Gate", "shipping-tools-pipeline-parcel-dispatcher", "ActInTheRoles", "sts:AssumeRole"),
    ("Staging/Prepare", "", "ReplaceTheChangeSet", "cloudformation:CreateChangeSet"),
    ("Staging/Prepare", "", "GiveCloudFormationItsRole", "iam:PassRole"),
    (
        "Production/ReviewProduction",
        "shipping-production-review-parcel-dispatcher",
        "LookAtChangeSets",
        "cloudformation:DescribeChangeSet",
    ),
    ("Staging/StagingSmokeTest", "shipping-staging-parcel-dispatcher-execution", "WriteTheLog", "logs:CreateLogStream"),
    ("Staging/StagingSmokeTest", "shipping-staging-parcel-dispatcher-execution", "WriteTheLog", "logs:PutLogEvents"),
    ("Production/Approve", "", "AskTheApprovers", "sns:Publish"),
    ("Staging/CheckStaging", f"{NAME}-approval-check-function", "ReadWhatWasApprovedAndSigned", "s3:GetObject"),
    ("Build/Sign", f"{NAME}-signer-function", "PutTheStatements", "s3:PutObject"),
    ("Staging/CheckStaging", f"{NAME}-approval-check-function", "ReadTheSignedTemplates", "s3:GetObjectVersion"),
    ("Staging/CheckStaging", f"{NAME}-approval-check-function", "VerifyTheSignatures", "kms:Verify"),
    ("Production/AttestProduction", f"{NAME}-signer-function", "LookAtDeployments", "sts:AssumeRole"),
    (
        "Production/AttestProduction",
        "shipping-production-review-parcel-dispatcher",
        "LookAtTheRunningService",
        "ecs:DescribeServices",
    ),
    (
        "Staging/CheckStaging",
        "shipping-staging-review-parcel-dispatcher",
        "LookAtChangeSets",
        "cloudformation:DescribeChangeSet",
    ),
]


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "role", "statement", "action"), PERMISSIONS, ids=lambda value: value or "its own role"
)
def test_a_missing_permission_fails_exactly_the_action_that_needs_it(
    passed: Rehearsed, path: str, role: str, statement: str, action: str
) -> None:
    role = role or passed.action(path).role.rpartition("/")[2]
    with passed.without(role, statement, action):
        step = passed.again(path)

    refused(
        step,
        f"IAM denied: arn:aws:sts::{ACCOUNTS[role.split('-')[1]]}:assumed-role/{role}/",
        f"may not {action} on arn:",
    )


CRITICAL = snyk({"id": "S1", "severity": "critical", "packageName": "waitress", "version": "3.0.2"})


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        pytest.param(
            {"SnykReport": {"report.json": json.dumps(CRITICAL)}},
            "**critical** S1",
            id="a critical finding",
        ),
        pytest.param(
            {"BanditReport": {"report.json": ""}},
            "**bandit**: its report is error",
            id="a broken report",
            marks=pytest.mark.long,
        ),
        pytest.param(
            {"BanditReport": {"run.json": '{"check": "bandit"}'}},
            "run.json is not a valid run record",
            id="no record",
            marks=pytest.mark.long,
        ),
    ],
)
def test_the_gate_stops_a_release_that_must_not_pass(passed: Rehearsed, reports: dict[str, Any], expected: str) -> None:
    refused(passed.again("Gate/Gate", reports=reports), expected)


FOUND = {"test_id": "B602", "issue_severity": "HIGH", "issue_confidence": "HIGH", "filename": "./src/a.py"}
BANDIT = json.dumps({"results": [FOUND], "errors": [], "metrics": {"_totals": {"loc": 1}}})
CHECKS = ("UnitTestsReport", "BanditReport", "SafetyReport", "SnykReport", "SecretsReport")


@pytest.mark.long
@pytest.mark.parametrize(
    ("expires", "state"),
    [("2020-01-01", ActionState.FAILED), (str(date.today() + timedelta(300)), ActionState.SUCCEEDED)],
    ids=["expired", "in force"],
)
def test_a_waiver_counts_until_its_day(passed: Rehearsed, expires: str, state: ActionState) -> None:
    waiver = f'[[waivers]]\nid = "B602"\npath = "src/"\nreason = "old"\nowner = "ada"\nexpires = {expires}\n'
    reports = {name: {"scan-policy.toml": waiver} for name in CHECKS}
    reports["BanditReport"]["report.json"] = BANDIT

    step = passed.again("Gate/Gate", reports=reports)
    assert step.state is state, step.error
    assert ("**high** B602" in step.error) == (state is ActionState.FAILED)


def test_a_refused_approval_fails_the_stage_and_nothing_rolls_it_back(passed: Rehearsed) -> None:
    refused(passed.again("Production/Approve", confirm=lambda question: False), "the approval was refused")

    stages = passed.stack("pipeline-parcel-dispatcher").resources["Pipeline"]["Properties"]["Stages"]
    (production,) = [stage for stage in stages if stage["Name"] == "Production"]
    assert "OnFailure" not in production


def test_a_failing_smoke_test_fails_the_stage(passed: Rehearsed) -> None:
    step = passed.again("Staging/StagingSmokeTest", serve=lambda *asked: contextlib.nullcontext("http://127.0.0.1:9"))

    refused(step, "command 1 of phase build failed with exit code 1")
    assert "returned no valid response" in step.log


def test_an_application_that_cannot_be_served_names_the_missing_script(passed: Rehearsed) -> None:
    def serve(*asked: object) -> contextlib.AbstractContextManager[str]:
        raise ActionFailedError("the deployed service cannot answer")

    refused(passed.again("Staging/StagingSmokeTest", serve=serve), "the deployed service cannot answer")


@pytest.mark.long
def test_a_change_set_that_fails_says_why(passed: Rehearsed) -> None:
    broken = {"staging/service-parcel-dispatcher.yaml": "Resources: {A: {Type: 'AWS::No::Such'}}"}
    step = passed.again("Staging/Prepare", reports={"Templates": broken})

    refused(step, "AWS::No::Such")
