"""Nothing that is not signed reaches the execution of a change set, rehearsed under each rollout."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from cicd_templates.deploy.releases.archives import Archive, source_archive
from cicd_templates.functions import evidence_format as form
from cicd_templates.local.engine_process import Engine, running
from cicd_templates.rehearsal import deployed_pipeline
from cicd_templates.rehearsal.pipeline_run import PipelineRun
from cicd_templates.rehearsal.rehearse import run_rehearsal
from cicd_templates.rehearsal.result import ActionProgress, ActionState
from cicd_templates.rehearsal.stages import run_stages
from tests.fakes.resigned_statements import Change, Sign, signed_again
from tests.integration.deployed_hooks import DeployedHook
from tests.integration.rehearsed_example import ENGINE_PYTHON, TOOLS, example
from tests.projects.rendering import rendered_project

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.xdist_group("signed images")]
OTHER = "9" * 64


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Archive, list[str]]]:
    """Yield a local AWS, a source, and the projects that are deployed there, to which each test adds its own."""
    app = example(tmp_path_factory.mktemp("signed"))
    # The policy of the example is for its own checks.
    (app / "scan-policy.toml").unlink()
    for package, module in (("billing", "migrate"), ("orders", "report")):
        (app / package).mkdir()
        (app / package / f"{module}.py").write_text("")
    with running(python=ENGINE_PYTHON, auth=True, tls=True) as engine:
        yield engine, source_archive(app), []


class Statements:
    """The signed statements of a run, and other folders with statements beside them."""

    def __init__(self, run: PipelineRun) -> None:
        session = run.setup.root_session(run.pipeline.role)
        (action,) = [each for each in run.pipeline.actions if each.name == "Sign"]
        name = run.resolve_configuration(action)["FunctionName"]
        settings = session.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        self._key, self._bucket = settings["SIGNING_KEY"], settings["EVIDENCE_BUCKET"]
        self._s3, self._kms = session.client("s3"), session.client("kms")
        self._folder = run.variables["Sign"]["Statements"]
        self._count = 1

    def sign(self, message: bytes) -> bytes:
        """Sign with the key of the signer. The local AWS lets the account's root user do this, unlike KMS."""
        digest = hashlib.sha256(message).digest()
        answer = self._kms.sign(KeyId=self._key, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")
        return bytes(answer["Signature"])

    def again(self, changes: Mapping[str, Change], sign: Sign) -> str:
        """Store changed statements in a folder of their own. Return the folder."""
        listed = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=f"{self._folder}/")["Contents"]
        files = {
            item["Key"].removeprefix(f"{self._folder}/"): self._s3.get_object(Bucket=self._bucket, Key=item["Key"])[
                "Body"
            ].read()
            for item in listed
        }
        self._count += 1
        folder = f"{self._folder}-{self._count}"
        for name, content in signed_again(files, changes, sign).items():
            self._s3.put_object(Bucket=self._bucket, Key=f"{folder}/{name}", Body=content)
        return folder


def about_another_digest(statement: dict[str, Any]) -> None:
    statement["subject"][0]["digest"] = {"sha256": OTHER}
    if "resourceUri" in statement["predicate"]:
        statement["predicate"]["resourceUri"] = f"{statement['subject'][0]['name']}@sha256:{OTHER}"


def failed(statement: dict[str, Any]) -> None:
    statement["predicate"]["verificationResult"] = "FAILED"


def unchanged(statement: dict[str, Any]) -> None:
    pass


def other_key(message: bytes) -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).sign(message, ec.ECDSA(hashes.SHA256()))


ALL = (form.PROVENANCE, form.VERIFICATION_SUMMARY, form.RELEASE)


def outcome(run: PipelineRun, names: list[str], **variables: Mapping[str, str]) -> dict[str, ActionProgress]:
    """Run only some stages of a finished run again, with other variables. Return the actions by their paths."""
    stages = tuple(stage for stage in run.pipeline.stages if stage.name in names)
    again = dataclasses.replace(
        run,
        pipeline=dataclasses.replace(run.pipeline, stages=stages),
        variables=copy.deepcopy(run.variables) | {name: dict(values) for name, values in variables.items()},
        artifacts=dict(run.artifacts),
    )
    steps = {action.path: ActionProgress(action.path, action.provider) for stage in stages for action in stage.actions}
    assert run_stages(again, steps, lambda step: None) == ""
    return steps


def stages_that_execute(run: PipelineRun) -> list[str]:
    return [
        stage.name
        for stage in run.pipeline.stages
        if any(action.configuration.get("ActionMode") == "CHANGE_SET_EXECUTE" for action in stage.actions)
    ]


def check_the_hook(hook: DeployedHook, image: str, unsigned: str) -> None:
    """Deploy images without the pipeline's check. The hook lets only the signed one run."""
    running = hook.definition()
    assert [call["status"] for call in hook.calls()] == ["SUCCEEDED"], hook.calls()
    status, reason = hook.update_stack(unsigned)
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert reason.endswith("verify-image answered FAILED in PRE_SCALE_UP"), reason
    assert hook.update_service(taskDefinition=hook.with_image(unsigned))["status"] == "FAILED"
    for call in hook.calls()[1:]:
        assert f"the signer has signed no statements about {unsigned}" in call["log"]
    assert hook.definition() == running
    assert hook.update_service(taskDefinition=hook.with_image(image))["status"] == "SUCCEEDED"
    deployed_pipeline.polling().until(lambda: hook.definition() != running, "the deployment", 60.0)


def check_its_permissions(hook: DeployedHook) -> None:
    """Remove each permission that a call of the hook uses, one at a time. No deployment succeeds without it."""
    removed = []
    for name, stack, lesser in hook.lesser_stacks():
        deployed_pipeline.deploy_stacks(hook.engine, [lesser])
        call = hook.update_service(forceNewDeployment=True)
        deployed_pipeline.deploy_stacks(hook.engine, [stack])
        assert call["status"] != "SUCCEEDED", name
        removed.append(name)
    assert len(removed) >= len(NEEDED), removed
    assert all(any(needed in name for name in removed) for needed in NEEDED), removed
    assert hook.update_service(forceNewDeployment=True)["status"] == "SUCCEEDED"


# The permissions of both roles, and the statements of the four resource policies in the account of the pipeline.
NEEDED = (
    "lambda:InvokeFunction",
    "ecs:DescribeServiceRevisions",
    "ecs:DescribeTaskDefinition",
    "ecr:DescribeImageScanFindings",
    "s3:ListBucket",
    "s3:GetObject",
    "kms:Decrypt",
    "kms:Verify",
    "LetTheHooksReadScans",
    "LetTheHooksReadStatements",
    "LetTheHooksVerify",
    "LetTheHooksFindStatementsOf",
    "LetTheHooksReadStatementsOf",
)


@pytest.mark.parametrize(
    ("project", "service", "has_hooks"),
    [
        pytest.param("rollouts", "rolling", False, id="rolling"),
        pytest.param("rollouts", "blue", True, id="blue-green"),
        pytest.param("rollouts", "steps", True, id="linear"),
        pytest.param("rollouts", "bird", True, id="canary"),
        pytest.param("queue-and-table", "billing", False, id="a migration"),
        pytest.param("worker", "sweeper", False, id="a worker"),
        pytest.param("worker", "report", False, id="a job"),
    ],
)
def test_nothing_unsigned_reaches_execute(
    released: tuple[Engine, Archive, list[str]], project: str, service: str, has_hooks: bool
) -> None:
    engine, archive, deployed = released
    stacks = deployed_pipeline.read_every_stack(rendered_project(project) / "out")
    options: dict[str, Any] = {"tools": TOOLS, "tokens": {}, "network": {}, "confirm": lambda question: True}
    options["deploy"] = project not in deployed
    deployed.append(project)
    with run_rehearsal(engine, stacks, service, archive, **options) as rehearsal:
        run = rehearsal.run
        assert rehearsal.steps["Build/Sign"].state is ActionState.SUCCEEDED, rehearsal.result.problem
        attested = {name: variables for name, variables in run.variables.items() if name.startswith("Attest")}
        assert ("AttestMigrationStaging" in attested) == (service == "billing")
        assert not [variables["Problem"] for variables in attested.values() if "Problem" in variables]
        stages = stages_that_execute(run)
        assert {"Staging", "Production"} <= set(stages)
        statements = Statements(run)
        image = run.variables["Image"]["IMAGE_URI"]
        unsigned = f"{image.partition('@')[0]}@sha256:{OTHER}"
        no_statements = {"Statements": f"{service}/e/signed"}
        of_another = {"Statements": statements.again(dict.fromkeys(ALL, about_another_digest), statements.sign)}
        by_another = {"Statements": statements.again(dict.fromkeys(ALL, unchanged), other_key)}
        of_a_failure = {"Statements": statements.again({form.VERIFICATION_SUMMARY: failed}, statements.sign)}
        attempts: list[tuple[dict[str, dict[str, str]], str]] = [
            (
                {"Image": run.variables["Image"] | {"IMAGE_URI": unsigned}},
                f"would deploy {unsigned}, but the signed image is {image}",
            ),
            ({"Sign": no_statements}, f"{service}/e/signed/{form.RELEASE} of the signed release cannot be read"),
            ({"Sign": of_another}, f"would deploy {image}, but the signed image is {unsigned}"),
            ({"Sign": by_another}, "is not signed with arn:aws:kms:"),
            ({"Sign": of_a_failure}, "has predicate.verificationResult 'FAILED' instead of 'PASSED'"),
        ]
        for variables, expected in attempts:
            for stage in stages:
                steps = outcome(run, [stage], **variables)
                (check,) = [step for step in steps.values() if step.state is ActionState.FAILED]
                assert check.path.startswith(f"{stage}/Check"), (check.path, check.error)
                assert expected in check.error
                later = [step.path for step in steps.values() if step.state is ActionState.NOT_REACHED]
                assert f"{stage}/Execute{'Migration' if stage.endswith('-Migration') else ''}" in later, expected
                assert not [path for path, step in steps.items() if "/Execute" in path and path not in later]
        executed = [
            action
            for action in run.pipeline.actions
            if action.name == "Execute" and rehearsal.steps[action.path].state is ActionState.SUCCEEDED
        ]
        assert not has_hooks or "Staging" in [action.stage for action in executed]
        for action in executed if has_hooks else ():
            check_the_hook(DeployedHook(engine, stacks, run, action), image, unsigned)
        checked: list[str] = []
        # The same checks pass with what is signed, also with statements that were signed again.
        again = statements.again({form.VERIFICATION_SUMMARY: unchanged}, statements.sign)
        for stage in stages:
            steps = outcome(run, [stage], Sign={"Statements": again})
            states = {path: step.state for path, step in steps.items() if "/Check" in path and "/CheckJob" not in path}
            assert set(states.values()) == {ActionState.SUCCEEDED}, [step.error for step in steps.values()]
            # The application does not answer below the paths of two services, so their releases end in staging.
            for action in run.pipeline.actions if has_hooks else ():
                if action.stage == stage and action.name == "Execute" and action not in executed:
                    assert steps[action.path].state is ActionState.SUCCEEDED, steps[action.path].error
                    check_the_hook(DeployedHook(engine, stacks, run, action), image, unsigned)
                    checked.append(stage)
        assert not has_hooks or {"Staging", "Production"} == {*checked, *(action.stage for action in executed)}


def test_each_permission_of_the_hook_is_necessary(released: tuple[Engine, Archive, list[str]]) -> None:
    stacks = deployed_pipeline.read_every_stack(rendered_project("rollouts") / "out")
    options: dict[str, Any] = {"tools": TOOLS, "tokens": {}, "network": {}, "confirm": lambda question: True}
    # In the other engine, the service may already run this image, and then nothing is deployed.
    with (
        running(python=ENGINE_PYTHON, auth=True, tls=True) as engine,
        run_rehearsal(engine, stacks, "bird", released[1], **options) as rehearsal,
    ):
        (action,) = [each for each in rehearsal.run.pipeline.actions if each.path == "Staging/Execute"]
        assert any(note.endswith(": fleet-staging-bird-smoke") for note in rehearsal.steps[action.path].notes)
        check_its_permissions(DeployedHook(engine, stacks, rehearsal.run, action))
