"""Only what the signer has signed is executed: exactly this image and these templates, in every environment."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from cicd_templates.functions import approval_check, sign
from cicd_templates.functions import evidence_format as form
from tests.fakes import unsigned_exceptions
from tests.fakes.resigned_statements import Change, signed_again
from tests.fakes.signing_account import (
    DIGEST,
    ENVIRONMENT,
    EXECUTION,
    KEY,
    PARAMETERS,
    REPOSITORY,
    SERVICE,
    SigningAccount,
    archive,
)
from tests.fakes.simulated_aws import SimulatedAws

FOLDER = f"{SERVICE}/{EXECUTION}/signed"
CHANGE_SET = "basket-staging-release"
SIGNED = f"{REPOSITORY}@{DIGEST}"
UNSIGNED = f"{REPOSITORY}@sha256:{'9' * 64}"
STACKS = {layer: f"shop-staging-{layer}-basket" for layer in ("service", "migration")}
TEMPLATES = {
    layer: form.canonical_json(
        {"Parameters": {"ImageUri": {"Type": "String"}}, "Resources": {layer: {"Type": "AWS::SNS::Topic"}}}
    ).decode()
    for layer in STACKS
}


class DeployingAccount(SigningAccount):
    """The account of the signer, and CloudFormation in the account of staging."""

    def __init__(self) -> None:
        super().__init__()
        self.aws = SimulatedAws()
        self.verified: dict[str, Any] = {}
        # The runs of the pipeline besides the one that was signed.
        self.runs: dict[str, dict[str, Any]] = {}
        files = {f"staging__{layer}-basket_dot_yaml": text for layer, text in TEMPLATES.items()}
        self.objects["templates", "templates.zip"][1] = ("t-1", archive(**files))

    def client(self, service: str, **more: Any) -> Any:
        return self.aws.cloudformation if service == "cloudformation" else super().client(service, **more)

    def _Verify(self, **asked: Any) -> dict[str, Any]:  # noqa: N802
        return super()._Verify(**asked) | self.verified

    def _GetPipelineExecution(self, pipelineName: str, pipelineExecutionId: str) -> dict[str, Any]:  # noqa: N802, N803
        assert pipelineName == ENVIRONMENT["PIPELINE"]
        return {"pipelineExecution": self.runs[pipelineExecutionId]}

    def sign_release(self) -> None:
        configuration = {"configuration": {"UserParameters": json.dumps(PARAMETERS)}}
        job = {"id": "j", "data": {"actionConfiguration": configuration}}
        sign.handler({"CodePipeline.job": job}, SimpleNamespace(invoked_function_arn="arn:signer"))
        assert self.answers.pop()[0] == "success"

    def prepare(self, layer: str, image: str = SIGNED, template: str = "") -> None:
        """Replace the change set of a stack by one for this image."""
        if STACKS[layer] in [stack.name for stack in self.aws.stacks.values()]:
            self.aws.cloudformation.delete_change_set(StackName=STACKS[layer], ChangeSetName=CHANGE_SET)
        self.aws.cloudformation.create_change_set(
            StackName=STACKS[layer],
            ChangeSetName=CHANGE_SET,
            ChangeSetType="CREATE",
            TemplateBody=template or TEMPLATES[layer],
            Parameters=[{"ParameterKey": "ImageUri", "ParameterValue": image}],
        )
        self.aws.clock.sleep(100)

    def check(self, *layers: str, **more: str) -> str:
        """Return why the check stops a stage with the change sets of these layers, or an empty string."""
        layers = layers or ("service",)
        parameters = {
            "stacks": ",".join(STACKS[layer] for layer in layers),
            "layers": ",".join(layers),
            "changeSet": CHANGE_SET,
            "role": "arn:aws:iam::222222222222:role/shop-staging-review-basket",
            "region": "eu-central-1",
            "environment": "staging",
            "execution": EXECUTION,
            "statements": FOLDER,
        }
        configuration = {"configuration": {"UserParameters": json.dumps(parameters | more)}}
        job = {"id": "j", "data": {"actionConfiguration": configuration}}
        approval_check.handler({"CodePipeline.job": job}, None)
        ((kind, request),) = self.answers
        self.answers.clear()
        return str(request["failureDetails"]["message"]) if kind == "failure" else ""

    def replace_file(self, name: str, content: bytes) -> None:
        self.objects["evidence", f"{FOLDER}/{name}"] = [("new", content)]

    def sign_again(self, changes: dict[str, Change], key: ec.EllipticCurvePrivateKey | None = None) -> None:
        """Sign changed statements and the release statement with `key`, by default the one of the signer."""
        prefix = f"{FOLDER}/"
        keys = [key for bucket, key in self.objects if bucket == "evidence" and key.startswith(prefix)]
        files = {key.removeprefix(prefix): self.objects["evidence", key][-1][1] for key in keys}
        algorithm = ec.ECDSA(hashes.SHA256())
        for name, content in signed_again(files, changes, lambda data: (key or self.key).sign(data, algorithm)).items():
            self.replace_file(name, content)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> DeployingAccount:
    made = DeployingAccount()
    monkeypatch.setattr(boto3, "client", made.client)
    for name, value in {**ENVIRONMENT, "WITHOUT_APPROVAL": "dev,staging", "APPROVALS": "_approvals"}.items():
        monkeypatch.setenv(name, value)
    made.sign_release()
    for layer in STACKS:
        made.prepare(layer)
    return made


def put(*path: str, value: Any) -> Change:
    """Return a change that sets one value of a statement."""

    def change(statement: dict[str, Any]) -> None:
        for key in path[:-1]:
            statement = statement[key]
        statement[path[-1]] = value

    return change


def drop(*path: str) -> Change:
    def change(statement: dict[str, Any]) -> None:
        for key in path[:-1]:
            statement = statement[key]
        del statement[path[-1]]

    return change


def unlist(name: str) -> Change:
    def change(release: dict[str, Any]) -> None:
        release["subject"] = [each for each in release["subject"] if each["name"] != name]

    return change


def relist(name: str, content: bytes) -> Change:
    def change(release: dict[str, Any]) -> None:
        (entry,) = [each for each in release["subject"] if each["name"] == name]
        entry["digest"] = {"sha256": hashlib.sha256(content).hexdigest()}

    return change


OTHER_SUBJECT = put("subject", value=[{"name": REPOSITORY, "digest": {"sha256": "9" * 64}}])
WRONG = [
    pytest.param(form.PROVENANCE, OTHER_SUBJECT, "has subject [", id="a provenance of another digest"),
    pytest.param(form.VERIFICATION_SUMMARY, OTHER_SUBJECT, "has subject [", id="a summary of another digest"),
    pytest.param(
        form.VERIFICATION_SUMMARY,
        put("predicate", "verificationResult", value="FAILED"),
        "has predicate.verificationResult 'FAILED' instead of 'PASSED'",
        id="a summary that says failed",
    ),
    pytest.param(
        form.VERIFICATION_SUMMARY,
        put("predicate", "policy", "digest", "sha256", value="7" * 64),
        "has predicate.policy.digest.sha256 '777",
        id="another policy",
    ),
    pytest.param(
        form.VERIFICATION_SUMMARY,
        put("predicate", "verifier", "id", value="me"),
        "has predicate.verifier.id 'me'",
        id="another verifier",
    ),
    pytest.param(
        form.VERIFICATION_SUMMARY,
        put("predicate", "resourceUri", value=UNSIGNED),
        "has predicate.resourceUri",
        id="another resource",
    ),
    pytest.param(
        form.PROVENANCE,
        put("predicate", "runDetails", "builder", "id", value="me"),
        "has predicate.runDetails.builder.id 'me'",
        id="another builder",
    ),
    pytest.param(
        form.PROVENANCE,
        put("predicate", "runDetails", "metadata", "invocationId", value="e-0"),
        "has predicate.runDetails.metadata.invocationId 'e-0' instead of 'e-1'",
        id="a provenance of another execution",
    ),
    pytest.param(
        form.RELEASE,
        put("predicate", "execution", value="e-0"),
        "has predicate.execution 'e-0' instead of 'e-1'",
        id="a release statement of another execution",
    ),
    pytest.param(
        form.RELEASE,
        put("predicate", "service", value="other"),
        "has predicate.service 'other' instead of 'basket'",
        id="a release statement of another service",
    ),
    pytest.param(form.PROVENANCE, put("predicateType", value="x"), "has predicateType 'x'", id="another predicate"),
    pytest.param(form.PROVENANCE, put("_type", value="x"), "has _type 'x'", id="no statement"),
    pytest.param(form.PROVENANCE, put("predicate", value=[]), "has no predicate.runDetails", id="no object"),
    pytest.param(
        form.VERIFICATION_SUMMARY,
        drop("predicate", "verificationResult"),
        "has no predicate.verificationResult",
        id="no result",
    ),
    pytest.param(form.RELEASE, unlist(form.PROVENANCE), "is not the file that", id="a provenance that is not listed"),
    pytest.param(form.RELEASE, unlist(form.SCAN_POLICY), "is not the file that", id="a policy that is not listed"),
    pytest.param(form.RELEASE, unlist("templates.zip"), "lists no templates.zip", id="templates that are not listed"),
    pytest.param(
        form.RELEASE,
        drop("predicate", "locations", "templates.zip"),
        "has no predicate.locations.templates.zip",
        id="templates without a version",
    ),
    pytest.param(
        form.RELEASE,
        put("predicate", "locations", "templates.zip", value="s3://other/templates.zip?versionId=t-1"),
        "is not a version of s3://templates/templates.zip",
        id="templates elsewhere",
    ),
    pytest.param(
        form.RELEASE,
        put("predicate", "locations", "templates.zip", value="s3://templates/templates.zip"),
        "is not a version of s3://templates/templates.zip",
        id="templates of no version",
    ),
    pytest.param(
        form.RELEASE,
        put("predicate", "locations", "templates.zip", value="s3://templates/templates.zip?versionId=t-2"),
        "is not the version that was signed",
        id="templates of another version",
    ),
    pytest.param(
        form.RELEASE,
        put("predicate", "locations", "templates.zip", value="s3://templates/templates.zip?versionId=t-9"),
        "templates.zip of the signed release cannot be read (NoSuchVersion)",
        id="a version that is not there",
    ),
]  # fmt: skip


def test_a_signed_image_may_be_deployed_and_migrated(account: DeployingAccount) -> None:
    assert account.check("migration", "service") == ""
    assert account.check("service") == ""


@pytest.mark.parametrize("layer", ["service", "migration"])
def test_an_unsigned_digest_is_not_deployed(account: DeployingAccount, layer: str) -> None:
    account.prepare(layer, UNSIGNED)

    assert account.check("migration", "service") == (
        f"Nothing more is executed: {STACKS[layer]} would deploy {UNSIGNED}, but the signed image is {SIGNED}"
    )


def test_a_template_that_is_not_signed_is_not_deployed(account: DeployingAccount) -> None:
    account.prepare("service", template=TEMPLATES["migration"])

    assert account.check() == (
        f"Nothing more is executed: {STACKS['service']}: the template differs from the file"
        " staging/service-basket.yaml of the signed templates"
    )


@pytest.mark.parametrize(
    ("deployed", "refused"),
    [
        pytest.param("{text}", False, id="the signed text"),
        pytest.param("{text}\n", False, id="another line end"),
        pytest.param("{text}# added", True, id="one more line"),
        pytest.param("{other}", True, id="another resource"),
    ],
)
def test_a_template_with_characters_that_aws_replaces_is_compared_without_them(
    account: DeployingAccount, deployed: str, refused: bool
) -> None:
    text = (
        "Parameters:\n  ImageUri: {Type: String}\nResources:\n"
        "  Totals: {Type: 'AWS::SNS::Topic', Properties: {DisplayName: Übersicht}}  # für Zoë\n"
    )
    texts = {"text": text, "other": text.replace("SNS::Topic", "SQS::Queue")}
    account.objects["templates", "templates.zip"][1] = ("t-1", archive(**{"staging__service-basket_dot_yaml": text}))
    for address in [each for each in account.objects if each[1].startswith(FOLDER)]:
        del account.objects[address]
    account.sign_release()
    account.prepare("service", template=deployed.format_map(texts))

    assert ("the template differs" in account.check()) is refused
    assert ("Nothing more" in account.check()) is refused


@pytest.mark.parametrize(("name", "change", "expected"), WRONG)
def test_a_signed_statement_about_something_else_does_not_count(
    account: DeployingAccount, name: str, change: Change, expected: str
) -> None:
    account.sign_again({name: change})
    message = account.check()

    assert message.startswith("Nothing more is executed: ")
    assert expected in message


@pytest.mark.parametrize("name", [form.PROVENANCE, form.VERIFICATION_SUMMARY, form.RELEASE])
def test_a_statement_by_another_key_does_not_count(account: DeployingAccount, name: str) -> None:
    release = account.objects["evidence", f"{FOLDER}/{form.RELEASE}"][-1][1]
    account.sign_again({name: lambda statement: None}, ec.generate_private_key(ec.SECP256R1()))
    if name != form.RELEASE:
        # The release statement that the signer has signed lists the statement that the other key has signed.
        content = account.objects["evidence", f"{FOLDER}/{name}"][-1][1]
        account.replace_file(form.RELEASE, release)
        account.sign_again({form.RELEASE: relist(name, content)})

    assert account.check() == f"Nothing more is executed: {FOLDER}/{name} is not signed with {KEY}"


@pytest.mark.parametrize("name", [form.PROVENANCE, form.VERIFICATION_SUMMARY, form.RELEASE, form.SCAN_POLICY])
def test_a_missing_file_stops_the_stage(account: DeployingAccount, name: str) -> None:
    del account.objects["evidence", f"{FOLDER}/{name}"]

    assert account.check() == (
        f"Nothing more is executed: {FOLDER}/{name} of the signed release cannot be read (NoSuchKey)"
    )


def test_a_policy_that_was_replaced_stops_the_stage(account: DeployingAccount) -> None:
    account.replace_file(form.SCAN_POLICY, b"version = 2\n")

    assert f"{FOLDER}/{form.SCAN_POLICY} is not the file that {form.RELEASE} lists" in account.check()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [({"SignatureValid": False}, "is not signed with"), ({"KeyId": f"{KEY}2"}, "is not signed with")],
    ids=["not valid", "by another key"],
)
def test_only_a_valid_signature_by_exactly_the_key_counts(
    account: DeployingAccount, answer: dict[str, Any], expected: str
) -> None:
    account.verified = answer

    assert expected in account.check()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", "is not a DSSE envelope with one signature", id="empty"),
        pytest.param(b"[]", "is not a DSSE envelope with one signature", id="a list"),
        pytest.param(b'{"payload": "", "signatures": []}', "is not a DSSE envelope", id="no signature"),
        pytest.param(b'{"payload": "", "signatures": [{}, {}]}', "is not a DSSE envelope", id="two signatures"),
        pytest.param(b'{"payload": "*", "signatures": [{"sig": ""}]}', "is not a DSSE envelope", id="no base64"),
        pytest.param(
            b'{"payload": "", "payloadType": "x", "signatures": [{"sig": ""}]}', "has the payload type 'x'", id="type"
        ),
    ],
)
def test_what_is_no_statement_stops_the_stage(account: DeployingAccount, content: bytes, expected: str) -> None:
    account.replace_file(form.RELEASE, content)

    assert expected in account.check()


def test_a_statement_that_is_too_long_stops_the_stage(account: DeployingAccount) -> None:
    account.replace_file(form.RELEASE, b" " * ((8 << 20) + 1))

    assert "has more than 8388608 bytes" in account.check()


@pytest.mark.parametrize("folder", ["", "basket/signed", "basket/e-1/other", "other/e-1/signed", "basket/e-1/signed/x"])
def test_only_a_folder_of_the_signer_has_statements(account: DeployingAccount, folder: str) -> None:
    assert f"{folder!r} is not a folder with signed statements of basket" in account.check(statements=folder)


def test_a_further_attempt_of_the_signer_counts(account: DeployingAccount) -> None:
    account.sign_release()

    assert account.check(statements=f"{FOLDER}-2") == ""


def test_statements_of_another_execution_do_not_count_under_the_name_of_this_one(account: DeployingAccount) -> None:
    for (bucket, key), versions in list(account.objects.items()):
        if key.startswith(f"{FOLDER}/"):
            account.objects[bucket, key.replace("e-1", "e-2")] = versions

    assert "has predicate.execution 'e-1' instead of 'e-2'" in account.check(statements=FOLDER.replace("e-1", "e-2"))


@pytest.mark.parametrize(
    ("run", "accepted"),
    [
        ({"executionType": "STANDARD"}, False),
        ({"executionType": "ROLLBACK", "rollbackMetadata": {"rollbackTargetPipelineExecutionId": EXECUTION}}, True),
        ({"executionType": "ROLLBACK", "rollbackMetadata": {"rollbackTargetPipelineExecutionId": "e-0"}}, False),
        ({"executionType": "ROLLBACK", "rollbackMetadata": {}}, False),
        ({"executionType": "ROLLBACK"}, False),
        ({"rollbackMetadata": {"rollbackTargetPipelineExecutionId": EXECUTION}}, False),
        ({}, False),
    ],
    ids=["a release", "a rollback", "to another", "to nothing", "without a target", "without a type", "unknown"],
)
def test_statements_of_another_run_count_only_in_a_rollback_to_it(
    account: DeployingAccount, run: dict[str, Any], accepted: bool
) -> None:
    account.runs["e-2"] = run
    message = (
        f"the statements in {FOLDER} are about the run e-1, but the current run is e-2; only a rollback to e-1 may use"
        " these statements"
    )

    assert account.check(execution="e-2") == ("" if accepted else f"Nothing more is executed: {message}")


def test_a_rollback_with_the_variables_of_the_older_run_needs_no_further_answer(account: DeployingAccount) -> None:
    account.denied.add("GetPipelineExecution")

    assert account.check() == ""
    assert "Nothing more is executed: ClientError: " in account.check(execution="e-2")


@pytest.mark.parametrize("operation", ["Verify", "AssumeRole"])
def test_what_cannot_be_judged_stops_the_stage(account: DeployingAccount, operation: str) -> None:
    account.denied.add(operation)

    assert "Nothing more is executed: ClientError: " in account.check()


def test_a_change_set_that_is_gone_stops_the_stage(account: DeployingAccount) -> None:
    account.aws.cloudformation.delete_change_set(StackName=STACKS["service"], ChangeSetName=CHANGE_SET)

    assert f"Nothing more is executed: {STACKS['service']}: the change set is gone (" in account.check()


def test_an_environment_that_is_not_listed_needs_an_approval(account: DeployingAccount) -> None:
    message = account.check(environment="production", reviewed="")

    assert "nothing was approved, because the review returned '' instead of a digest" in message
    assert "KeyError: 'reviewed'" in account.check(environment="production")


def test_a_template_that_is_not_among_the_signed_ones_stops_the_stage(account: DeployingAccount) -> None:
    assert "0 files named dev/service-basket.yaml" in account.check(environment="dev")


def test_stacks_without_a_layer_stop_the_stage(account: DeployingAccount) -> None:
    assert "Nothing more is executed: ValueError: " in account.check("service", stacks=",".join(STACKS.values()))


TOPIC = "arn:aws:sns:eu-central-1:111122223333:shop-tools-security"


def records(account: DeployingAccount) -> list[dict[str, Any]]:
    """Return the records of deployed unsigned images, whose keys are the SHA-256 of what they say."""
    found = []
    for (bucket, key), versions in account.objects.items():
        if key.startswith(f"{SERVICE}/{EXECUTION}/unsigned/"):
            ((_, content),) = versions
            record = json.loads(content)
            said = {name: value for name, value in record.items() if name != "recordedOn"}
            digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
            assert (bucket, key) == ("evidence", f"{SERVICE}/{EXECUTION}/unsigned/staging/{digest}.json")
            found.append(record)
    return found


def admit(monkeypatch: pytest.MonkeyPatch, *exceptions: dict[str, str], environment: str = "staging") -> None:
    monkeypatch.setenv("UNSIGNED_IMAGES", unsigned_exceptions.variable(environment, *exceptions))
    monkeypatch.setenv("SECURITY_TOPIC", TOPIC)


@pytest.fixture
def unsigned(account: DeployingAccount) -> DeployingAccount:
    """Return the account with an image that the signer could not sign. The newest templates are the reviewed ones."""
    for layer in STACKS:
        account.prepare(layer, image=UNSIGNED)
    del account.objects["evidence", f"{FOLDER}/{form.RELEASE}"]
    account.objects["templates", "templates.zip"].append(account.objects["templates", "templates.zip"].pop(1))
    return account


def test_an_exception_lets_its_image_pass_and_is_recorded_and_told(
    unsigned: DeployingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = unsigned_exceptions.exception(UNSIGNED)
    admit(monkeypatch, entry, unsigned_exceptions.exception(SIGNED, name="other"))

    assert unsigned.check("service", "migration") == ""
    (record,) = records(unsigned)
    assert record["exceptions"] == [entry]
    assert (record["service"], record["environment"], record["execution"]) == (SERVICE, "staging", EXECUTION)
    assert f"{FOLDER}/{form.RELEASE} of the signed release cannot be read" in record["reason"]
    ((topic, message),) = [told.values() for told in unsigned.messages]
    assert topic == TOPIC
    assert f"run {EXECUTION} deploys images without a signature to staging: {UNSIGNED}, allowed by" in message
    assert "by the exception first of" in message
    assert unsigned_exceptions.OWNER in message
    assert unsigned_exceptions.REASON in message

    # The check runs again before the next execution of the same run, and the record stays.
    assert unsigned.check("service") == ""
    assert len(unsigned.messages) == 2
    assert records(unsigned) == [record]


def test_a_retried_stage_with_another_image_or_reason_leaves_a_further_record(
    unsigned: DeployingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = f"{REPOSITORY}@sha256:{'8' * 64}"
    first, second = unsigned_exceptions.exception(UNSIGNED), unsigned_exceptions.exception(other, name="second")
    admit(monkeypatch, first, second)

    assert unsigned.check("migration") == ""
    unsigned.prepare("service", image=other)
    assert unsigned.check("service") == ""
    unsigned.replace_file(form.RELEASE, b"{}")
    assert unsigned.check("service") == ""
    assert [(record["exceptions"], record["reason"].rpartition(form.RELEASE)[2]) for record in records(unsigned)] == [
        ([first], " of the signed release cannot be read (NoSuchKey)"),
        ([second], " of the signed release cannot be read (NoSuchKey)"),
        ([second], " is not a DSSE envelope with one signature"),
    ]


@pytest.mark.parametrize(
    ("image", "days", "environment", "expected"),
    [
        pytest.param(UNSIGNED, -1, "staging", "the exception first ended on", id="ended"),
        pytest.param(UNSIGNED, 91, "staging", "the exception first lasts until", id="too long"),
        pytest.param(UNSIGNED, 10, "dev", "cannot be read (NoSuchKey)", id="elsewhere"),
        pytest.param(
            SIGNED, 10, "staging", f"would deploy {UNSIGNED}, but the excepted image is {SIGNED}", id="another image"
        ),
    ],
)
def test_no_other_exception_lets_an_image_pass(
    unsigned: DeployingAccount, image: str, days: int, environment: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit(monkeypatch, unsigned_exceptions.exception(image, days), environment=environment)

    assert expected in unsigned.check()
    assert not unsigned.messages
    assert not records(unsigned)


def test_an_exception_is_not_used_for_a_signed_release(
    account: DeployingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit(monkeypatch, unsigned_exceptions.exception(UNSIGNED))

    assert account.check() == ""
    account.prepare("service", image=UNSIGNED)
    assert f"would deploy {UNSIGNED}, but the signed image is {SIGNED}" in account.check()
    assert not account.messages


def test_an_exception_admits_no_template_but_the_newest(
    unsigned: DeployingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit(monkeypatch, unsigned_exceptions.exception(UNSIGNED))
    unsigned.prepare("service", image=UNSIGNED, template=TEMPLATES["service"].replace("Topic", "Subscription"))

    assert "the template differs from the file staging/service-basket.yaml of the newest templates" in unsigned.check()
    assert not unsigned.messages


@pytest.mark.parametrize("operation", ["Publish", "PutObject"])
def test_an_exception_that_cannot_be_told_lets_nothing_pass(
    unsigned: DeployingAccount, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit(monkeypatch, unsigned_exceptions.exception(UNSIGNED))
    unsigned.denied = {operation}

    assert "Nothing more is executed: ClientError: " in unsigned.check()


@pytest.mark.parametrize("days", [-1, 10], ids=["ended", "counts"])
@pytest.mark.parametrize(
    ("operation", "code"), [("Verify", "ThrottlingException"), ("GetObject", "SlowDown")], ids=["KMS", "S3"]
)
def test_an_error_that_leaves_the_signatures_unknown_stops_the_stage_despite_an_exception(
    account: DeployingAccount, operation: str, code: str, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit(monkeypatch, unsigned_exceptions.exception(SIGNED, days))
    account.throttled[operation] = code

    assert account.check().startswith(f"Nothing more is executed: ClientError: An error occurred ({code})")
    assert not account.messages
    assert not records(account)


def test_an_exception_does_not_replace_the_statements_of_another_run(
    account: DeployingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit(monkeypatch, unsigned_exceptions.exception(UNSIGNED))
    account.prepare("service", image=UNSIGNED)
    account.runs["e-2"] = {"executionType": "STANDARD"}

    assert f"{FOLDER} are about the run e-1, but the current run is e-2" in account.check(execution="e-2")
    assert not account.messages


@pytest.mark.parametrize(
    ("denied", "image", "expected"),
    [
        pytest.param({"Publish"}, UNSIGNED, "ClientError: An error occurred (AccessDenied)", id="not told"),
        pytest.param(set(), SIGNED, f"but the excepted image is {UNSIGNED}", id="another image"),
    ],
)
def test_a_stage_that_an_exception_does_not_help_fails_with_the_reason_of_the_signatures_too(
    unsigned: DeployingAccount, denied: set[str], image: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit(monkeypatch, unsigned_exceptions.exception(UNSIGNED))
    unsigned.prepare("service", image=image)
    unsigned.denied = denied

    message = unsigned.check()
    assert message.startswith("Nothing more is executed: ")
    assert expected in message
    assert message.endswith(f". Not signed: {FOLDER}/{form.RELEASE} of the signed release cannot be read (NoSuchKey)")


def test_newest_templates_that_lack_a_file_fail_with_the_reason_of_the_signatures_too(
    unsigned: DeployingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit(monkeypatch, unsigned_exceptions.exception(UNSIGNED))
    unsigned.objects["templates", "templates.zip"].append(("t-3", archive(other="")))

    message = unsigned.check()
    assert "ValueError: the zip file has 0 files named staging/service-basket.yaml" in message
    assert f". Not signed: {FOLDER}/{form.RELEASE}" in message
