"""Only what was approved is executed: the review and the check, on a CloudFormation that answers as AWS does."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.functions import approval_check, review
from cicd_templates.functions.reviewed_change_sets import canonical, digest_of
from tests.fakes.simulated_aws import SimulatedAws

NAME = "shipping-production-release"
SERVICE, MIGRATION = "shipping-production-service", "shipping-production-migration"
ENVIRONMENT = {
    "PIPELINE": "shipping",
    "NAMESPACE": "CicdTemplates",
    "CONSOLE": "https://eu-central-1.console.aws.amazon.com",
    "AWS_REGION": "eu-central-1",
    "SERVICE": "shipping",
    "UNSIGNED_IMAGES": "{}",
    "EVIDENCE_BUCKET": "evidence",
    "APPROVALS": "_approvals/shipping",
    "TEMPLATES_BUCKET": "templates",
    "TEMPLATES_KEY": "templates.zip",
    "WITHOUT_APPROVAL": "staging",
}
WHERE = {"changeSet": NAME, "role": "r", "region": "eu-central-1", "environment": "production", "execution": "e-1"}


class Evidence:
    """A bucket whose objects cannot be replaced. As in AWS, a caller who may not list it cannot tell missing keys."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.answer = ""

    def head_object(self, **_: Any) -> Any:
        return {"VersionId": "t1", "Metadata": {}}

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        ContentType: str,  # noqa: N803
        IfNoneMatch: str,  # noqa: N803
        ChecksumAlgorithm: str,  # noqa: N803
    ) -> Any:
        assert (Bucket, IfNoneMatch, ChecksumAlgorithm) == ("evidence", "*", "SHA256")
        assert ContentType == {"json": "application/json", "html": "text/html; charset=utf-8"}[Key.rpartition(".")[2]]
        if self.answer or Key in self.objects:
            raise refusal(self.answer or "PreconditionFailed", "PutObject")
        self.objects[Key] = Body

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        if Key not in self.objects:
            raise refusal("AccessDenied", "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


class Pipeline:
    """A pipeline with one stage, in an account of its own, and CloudFormation in the account of production."""

    def __init__(self) -> None:
        self.aws, self.s3 = SimulatedAws(), Evidence()
        self.results: list[tuple[str, dict[str, Any]]] = []
        self.shown: dict[str, str] = {}
        # The run of the statements, which count as signed here.
        self.execution = WHERE["execution"]

    def client(self, service: str, **_: Any) -> Any:
        return {"codepipeline": self, "sts": self, "s3": self.s3, "cloudformation": self.aws.cloudformation}[service]

    def assume_role(self, **_: Any) -> Any:
        return {"Credentials": {"AccessKeyId": "a", "SecretAccessKey": "s", "SessionToken": "t"}}

    def put_job_success_result(self, **request: Any) -> None:
        self.results.append(("success", request))

    def put_job_failure_result(self, **request: Any) -> None:
        self.results.append(("failure", request))

    def prepare(self, stack: str = SERVICE, name: str = NAME, size: str = "1", **more: Any) -> str:
        """Replace the change set of a stack, as CodePipeline does. Return the new ARN."""
        template = {
            "Parameters": {"ImageUri": {"Type": "String"}},
            "Resources": {
                "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "ImageUri"}, "Size": size}},
            },
        }
        request = {
            "StackName": stack,
            "ChangeSetName": name,
            "ChangeSetType": "CREATE",
            "TemplateBody": json.dumps(template),
            "Parameters": [{"ParameterKey": "ImageUri", "ParameterValue": "i1"}],
            "Tags": [{"Key": "Project", "Value": "shipping"}],
        }
        self.delete(stack, name)
        arn = str(self.aws.cloudformation.create_change_set(**request | more)["Id"])
        self.aws.clock.sleep(100)
        return arn

    def delete(self, stack: str = SERVICE, name: str = NAME) -> None:
        for each in list(self.aws.stacks.values()):
            for arn, found in list(each.change_sets.items()):
                if (each.name, found.name) == (stack, name):
                    self.aws.cloudformation.delete_change_set(ChangeSetName=arn)

    def review(self, **more: str) -> str:
        """Return the digest that the approver is shown and that the pipeline passes to the check.

        Afterwards, `shown` has the text for the approver.
        """
        asked = {"stack": SERVICE, **WHERE, "image": "p@sha256:1", "templates": "t1", **more}
        review.handler(job(asked), None)
        kind, request = self.results.pop()
        assert kind == "success", request
        self.shown = request["outputVariables"]
        return self.shown["Reviewed"]

    def stored(self, name: str) -> str:
        """Return the only object with this name in the evidence bucket."""
        (key,) = [key for key in self.s3.objects if key.endswith(f"/{name}")]
        return self.s3.objects[key].decode()

    def read_templates(self, *files: str) -> list[str]:
        """Return the templates of the present change sets: here, whatever is there counts as signed."""
        return [self._described(file)[1] for file in files]

    @property
    def image(self) -> str:
        return self._described("production/service-shipping.yaml")[0]

    def _described(self, file: str) -> tuple[str, str]:
        stack = {"service": SERVICE, "migration": MIGRATION}[file.removeprefix("production/").partition("-")[0]]
        sets = [
            each for found in self.aws.stacks.values() if found.name == stack for each in found.change_sets.values()
        ]
        requests = [each.request for each in sets if each.name == NAME]
        if not requests:
            return "i1", ""
        values = [each["ParameterValue"] for each in requests[-1]["Parameters"]]
        return values[0], canonical(json.loads(requests[-1]["TemplateBody"]))

    def check(self, reviewed: str, stacks: str = SERVICE, **more: str) -> str:
        """Return why the check stops the stage, or an empty string."""
        layers = ",".join("migration" if stack == MIGRATION else "service" for stack in stacks.split(","))
        asked = {"stacks": stacks, "layers": layers, **WHERE, "statements": "signed", "reviewed": reviewed, **more}
        approval_check.handler(job(asked), None)
        ((kind, request),) = self.results
        self.results.clear()
        return str(request["failureDetails"]["message"]) if kind == "failure" else ""


def job(parameters: Any) -> dict[str, Any]:
    data = {"actionConfiguration": {"configuration": {"UserParameters": json.dumps(parameters)}}}
    return {"CodePipeline.job": {"id": "j-1", "data": data}}


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    made = Pipeline()
    monkeypatch.setattr("boto3.client", made.client)
    # What is signed has tests of its own, in `test_signed_images.py`.
    monkeypatch.setattr(approval_check, "read_signed_image", lambda folder: made)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return made


def test_the_approved_change_set_may_be_executed(pipeline: Pipeline) -> None:
    arn = pipeline.prepare()
    reviewed = pipeline.review()

    assert pipeline.check(reviewed) == ""
    folder = f"_approvals/shipping/production/e-1/{reviewed}"
    assert list(pipeline.s3.objects) == [f"{folder}/{name}" for name in ("page.html", "page.json", "change-sets.json")]
    record = json.loads(pipeline.stored("change-sets.json"))
    assert record["page"] == {
        name: hashlib.sha256(pipeline.stored(name).encode()).hexdigest() for name in ("page.html", "page.json")
    }
    (entry,) = record["changeSets"]
    assert entry["changeSetArn"] == arn
    parts = {"template", "parameters", "tags", "capabilities", "settings", "changes", "values"}
    assert entry.keys() == {"stack", "stackArn", "changeSetArn"} | parts
    # No value is in the record, so it gives nothing away.
    assert all(len(entry[part]) == 64 for part in parts)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        pytest.param({}, "all compared parts are equal", id="made again"),
        pytest.param({"size": "2"}, "these parts differ: template, values", id="another template"),
        pytest.param(
            {"Parameters": [{"ParameterKey": "ImageUri", "ParameterValue": "i2"}]},
            "these parts differ: parameters, values",
            id="another image",
        ),
        pytest.param({"Tags": []}, "these parts differ: tags", id="another tag"),
        pytest.param(
            {"Capabilities": ["CAPABILITY_NAMED_IAM"]}, "these parts differ: capabilities", id="another capability"
        ),
        pytest.param({"OnStackFailure": "DO_NOTHING"}, "these parts differ: settings", id="another setting"),
    ],
)
def test_a_change_set_that_was_swapped_after_the_approval_stops_the_stage(
    pipeline: Pipeline, change: dict[str, Any], difference: str
) -> None:
    before = pipeline.prepare()
    reviewed = pipeline.review()
    after = pipeline.prepare(**change)

    assert pipeline.check(reviewed) == (
        f"Nothing more is executed: {SERVICE}: {after} has replaced the approved change set {before}; {difference}"
    )


def test_a_change_set_that_was_deleted_stops_the_stage(pipeline: Pipeline) -> None:
    arn = pipeline.prepare()
    reviewed = pipeline.review()
    pipeline.delete()

    assert f"{SERVICE}: the approved change set {arn} is gone (" in pipeline.check(reviewed)


def test_a_change_set_of_another_name_changes_nothing(pipeline: Pipeline) -> None:
    pipeline.prepare()
    reviewed = pipeline.review()
    pipeline.prepare(name="another", size="2")

    assert pipeline.check(reviewed) == ""


def test_content_that_differs_under_the_same_arn_stops_the_stage(pipeline: Pipeline) -> None:
    arn = pipeline.prepare()
    reviewed = pipeline.review()
    (stack,) = pipeline.aws.stacks.values()
    stack.change_sets[arn].request["Tags"].append({"Key": "k", "Value": "v"})

    assert "the content of the approved change set has changed; these parts differ: tags" in pipeline.check(reviewed)


def test_a_change_set_that_a_deployment_has_made_obsolete_stops_the_stage(pipeline: Pipeline) -> None:
    arn = pipeline.prepare()
    reviewed = pipeline.review()
    (stack,) = pipeline.aws.stacks.values()
    stack.change_sets[arn].execution = "OBSOLETE"

    assert f"{SERVICE}: the change set cannot be executed, because it is OBSOLETE" in pipeline.check(reviewed)


def test_every_change_set_of_the_stage_is_compared(pipeline: Pipeline) -> None:
    pipeline.prepare()
    pipeline.prepare(MIGRATION)
    reviewed = pipeline.review(migration=MIGRATION)
    both = f"{MIGRATION},{SERVICE}"

    assert pipeline.check(reviewed, both) == ""
    pipeline.prepare(MIGRATION, size="2")
    assert f"{MIGRATION}: arn" in pipeline.check(reviewed, both)
    # After the migration, the service's change set is compared alone.
    assert pipeline.check(reviewed) == ""
    pipeline.prepare(size="3")
    message = pipeline.check(reviewed, both)
    assert f"{MIGRATION}: arn" in message
    assert f"; {SERVICE}: arn" in message


def test_a_stack_of_which_no_change_set_was_approved_stops_the_stage(pipeline: Pipeline) -> None:
    pipeline.prepare()
    pipeline.prepare(MIGRATION)
    reviewed = pipeline.review()

    assert f"{MIGRATION}: no change set of this stack was approved" in pipeline.check(reviewed, MIGRATION)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({"reviewed": "0" * 64}, "the record of the approval could not be read", id="no record"),
        pytest.param({"reviewed": ""}, "the review returned '' instead of a digest", id="no digest"),
        pytest.param({"reviewed": "../x"}, "the review returned '../x' instead of a digest", id="not a digest"),
        pytest.param({"execution": "e-2"}, "the record of the approval could not be read", id="another run"),
        pytest.param({"environment": "other"}, "the record of the approval could not be read", id="other environment"),
    ],
)
def test_without_a_record_of_this_run_and_stage_nothing_is_executed(
    pipeline: Pipeline, asked: dict[str, str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.prepare()
    reviewed = pipeline.review()

    message = pipeline.check(**{"reviewed": reviewed} | asked)
    assert message.startswith("Nothing more is executed: ")
    assert expected in message
    assert json.loads(capsys.readouterr().out)["ApprovalCheckErrors"] == 1


def other_execution(record: dict[str, Any]) -> dict[str, Any]:
    return record | {"execution": "e-0"}


def other_change_set(record: dict[str, Any]) -> dict[str, Any]:
    return record | {"changeSets": [record["changeSets"][0] | {"changeSetArn": "arn:x"}]}


@pytest.mark.parametrize("change", [other_execution, other_change_set])
def test_a_record_that_was_exchanged_is_not_believed(
    pipeline: Pipeline, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    pipeline.prepare()
    reviewed = pipeline.review()
    key = list(pipeline.s3.objects)[-1]
    pipeline.s3.objects[key] = json.dumps(change(json.loads(pipeline.s3.objects[key]))).encode()

    assert "the stored record is not the approved record" in pipeline.check(reviewed)


@pytest.mark.parametrize("name", ["page.html", "page.json"])
def test_a_page_that_is_not_the_recorded_one_stops_the_stage(pipeline: Pipeline, name: str) -> None:
    pipeline.prepare()
    reviewed = pipeline.review()
    key = f"_approvals/shipping/production/e-1/{reviewed}/{name}"
    pipeline.s3.objects[key] += b" "

    assert f"the stored page is not the approved page: {key}" in pipeline.check(reviewed)
    del pipeline.s3.objects[key]
    assert f"the record of the approval could not be read (AccessDenied): {key}" in pipeline.check(reviewed)


def test_a_record_of_older_templates_stops_the_stage_in_one_line(pipeline: Pipeline) -> None:
    pipeline.prepare()
    reviewed = pipeline.review()
    key = f"_approvals/shipping/production/e-1/{reviewed}/change-sets.json"
    record = {name: part for name, part in json.loads(pipeline.s3.objects[key]).items() if name != "page"}
    older = digest_of(record)
    pipeline.s3.objects[key.replace(reviewed, older)] = canonical(record).encode()

    reason = "an older version of the review function stored this record without a page; retry the whole stage"
    assert reason in pipeline.check(older)


def test_a_page_that_somebody_stored_before_the_review_is_noticed(pipeline: Pipeline) -> None:
    pipeline.prepare()
    reviewed = pipeline.review()
    key = f"_approvals/shipping/production/e-1/{reviewed}/page.html"
    pipeline.s3.objects = {key: b"<script>"}

    # Nothing in the bucket is replaced, so the review finds the key taken.
    assert pipeline.review() == reviewed
    assert "the stored page is not the approved page" in pipeline.check(reviewed)


def test_a_record_of_another_run_with_its_own_digest_is_not_believed(pipeline: Pipeline) -> None:
    pipeline.prepare()
    other = pipeline.review(execution="e-0")
    pipeline.s3.objects |= {key.replace("e-0", "e-1"): body for key, body in pipeline.s3.objects.items()}

    assert "the stored record is not the approved record" in pipeline.check(other)


def test_a_review_that_is_repeated_finds_its_record(pipeline: Pipeline) -> None:
    pipeline.prepare()

    assert pipeline.review() == pipeline.review()
    assert len(pipeline.s3.objects) == 3


def test_what_cannot_be_recorded_is_not_approved(pipeline: Pipeline) -> None:
    pipeline.prepare()
    pipeline.s3.answer = "AccessDenied"
    review.handler(job({"stack": SERVICE, **WHERE, "image": "", "templates": "t1"}), None)

    ((kind, request),) = pipeline.results
    assert kind == "failure"
    assert "Cannot ask for an approval: ClientError" in request["failureDetails"]["message"]


def test_an_error_of_aws_stops_the_stage(pipeline: Pipeline) -> None:
    pipeline.prepare()
    reviewed = pipeline.review()
    pipeline.aws.denied.add("DescribeChangeSet")

    assert "Nothing more is executed: ClientError: " in pipeline.check(reviewed)


def test_a_change_set_without_changes_has_nothing_to_execute_and_may_be_approved(pipeline: Pipeline) -> None:
    pipeline.aws.cloudformation.execute_change_set(ChangeSetName=pipeline.prepare(name="first"))
    pipeline.aws.settle()
    pipeline.prepare(ChangeSetType="UPDATE")
    reviewed = pipeline.review()

    assert pipeline.check(reviewed) == ""
    pipeline.prepare(ChangeSetType="UPDATE", size="2")
    assert "has replaced the approved change set" in pipeline.check(reviewed)


def test_the_order_in_which_cloudformation_lists_things_makes_no_difference(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.aws.cloudformation.execute_change_set(ChangeSetName=pipeline.prepare(name="first"))
    pipeline.aws.settle()
    tags = [{"Key": "A", "Value": "1"}, {"Key": "B", "Value": "2"}]
    parameters = [{"ParameterKey": "ImageUri", "ParameterValue": "i2"}]
    pipeline.prepare(ChangeSetType="UPDATE", size="2", Tags=tags, Parameters=parameters)
    reviewed = pipeline.review()
    describe = pipeline.aws.cloudformation.describe_change_set

    def reordered(**request: Any) -> Any:
        answer = describe(**request)
        for change in answer["Changes"]:
            change["ResourceChange"]["Details"].reverse()
            for context in change["ResourceChange"].keys() & {"BeforeContext", "AfterContext"}:
                pairs = reversed(json.loads(change["ResourceChange"][context])["Properties"].items())
                change["ResourceChange"][context] = json.dumps({"Properties": dict(pairs)})
        return answer | {"Tags": answer["Tags"][::-1]}

    monkeypatch.setattr(pipeline.aws.cloudformation, "describe_change_set", reordered)
    assert pipeline.check(reviewed) == ""


def test_a_template_in_yaml_is_compared_as_its_text(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.prepare()
    texts = iter(["Resources: {}", "Resources: {}", "Resources: {}  "])
    monkeypatch.setattr(pipeline.aws.cloudformation, "get_template", lambda **_: {"TemplateBody": next(texts)})
    monkeypatch.setattr(pipeline, "read_templates", lambda *files: ["Resources: {}"])
    reviewed = pipeline.review()

    assert pipeline.check(reviewed) == ""
    assert "has changed; these parts differ: template" in pipeline.check(reviewed)
