"""The gate as a Lambda action: only the decision to pass is a success, and every path reports exactly one result."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import json
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.blocks import inlined_scan_gate
from cicd_templates.blocks.inlined_scan_gate import READER_NAMES as JOINED
from cicd_templates.blocks.inlined_scan_gate import scan_gate_source
from cicd_templates.functions.scan_gate import artifacts, handler, report_artifacts
from cicd_templates.functions.scan_gate.decide import Decision
from cicd_templates.functions.scan_gate.formats import READERS
from cicd_templates.functions.scan_gate.last_release import remember_release
from cicd_templates.functions.scan_gate.reading import Report, UnusableError

JOB = "11111111-2222-3333-4444-555555555555"
CLEAN = {"results": [], "errors": [], "metrics": {"_totals": {"loc": 5}}}
ROW = {"test_id": "B602", "issue_severity": "HIGH", "issue_confidence": "HIGH", "filename": "a.py"}
BAD = {**CLEAN, "results": [ROW]}
TESTS = '<testsuite><testcase name="a"/></testsuite>'
FAILING = '<testsuite><testcase name="a"><failure/></testcase></testsuite>'


def zipped(**files: Any) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(
                name.replace("__", "."), content if isinstance(content, str | bytes) else json.dumps(content)
            )
    return target.getvalue()


def record(check: str, form: str, version: str = "v1", digest: str = "a" * 64) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    about = {"tool_version": "1", "exit_code": 0, "started": now, "finished": now, "execution": "e-1"}
    source = {"source_version": version, "source_digest": digest, "not_read": []}
    return {"check": check, "format": form, **source, **about}


def bandit(report: Any, version: str = "v1", **more: str) -> bytes:
    return zipped(report__json=report, run__json=record("bandit", "bandit", version), **more)


def unit_tests(report: str = TESTS, **more: str) -> bytes:
    return zipped(report__xml=report, run__json=record("unit-tests", "junit"), **more)


def execution_of(artifact: str, execution: str = "e-1", *, start: int = 1, status: str = "Succeeded") -> dict[str, Any]:
    """Return an execution of the action that produces `artifact`, as CodePipeline lists it."""
    place = {"name": artifact, "s3location": {"bucket": "artifacts", "key": artifact}}
    return {
        "pipelineExecutionId": execution,
        "actionExecutionId": f"{artifact}-{start}",
        "stageName": "Verify",
        "actionName": artifact.removesuffix("Report"),
        "startTime": datetime.fromtimestamp(start, UTC),
        "status": status,
        **({"output": {"outputArtifacts": [place]}} if status == "Succeeded" else {}),
    }


class Aws:
    """S3 with artifacts, and a CodePipeline that lists them and records the results.

    It raises `refuse` if this is set.
    """

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects
        self.unlisted = 0
        self.puts: dict[str, bytes] = {}
        self.answers: list[tuple[str, dict[str, Any]]] = []
        self.refuse: dict[str, str] = {}
        self.listings: list[dict[str, Any]] = []

    def client(self, service: str) -> Aws:
        return self

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_action_executions"
        return SimpleNamespace(paginate=self.pages)

    def pages(self, **request: Any) -> list[dict[str, Any]]:
        """Return one page for each action; the first `unlisted` calls do not show the first action as ended."""
        self.listings.append(request)
        self._refuse("ListActionExecutions")
        execution = request["filter"]["pipelineExecutionId"]
        running = len(self.listings) <= self.unlisted
        details = [
            execution_of(name, execution, status="InProgress" if running and not number else "Succeeded")
            for number, name in enumerate(self.objects)
        ]
        return [{"actionExecutionDetails": [each]} for each in details]

    def _refuse(self, operation: str) -> None:
        if operation in self.refuse:
            raise ClientError({"Error": {"Code": self.refuse[operation], "Message": "no"}}, operation)

    def get_object(self, **request: str) -> Any:
        content = self.puts[request["Key"]] if request["Bucket"] == "evidence" else self.objects[request["Key"]]
        return {"ContentLength": len(content), "Body": io.BytesIO(content), "VersionId": f"version of {request['Key']}"}

    def put_object(self, **request: Any) -> None:
        assert (request["IfNoneMatch"], request["ChecksumAlgorithm"]) == ("*", "SHA256")
        self._refuse("PutObject")
        if request["Key"] in self.puts:
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": "there"}}, "PutObject")
        self.puts[request["Key"]] = request["Body"]

    def list_objects_v2(self, **request: Any) -> Any:
        assert (request["Bucket"], request["Prefix"], request["MaxKeys"]) == ("evidence", "pay/passed/", 1)
        keys = sorted(key for key in self.puts if key.startswith(request["Prefix"]))
        return {"Contents": [{"Key": keys[0]}]} if keys else {}

    def head_object(self, **request: str) -> Any:
        assert request == {"Bucket": "templates", "Key": "templates.zip"}
        self._refuse("HeadObject")
        return {"VersionId": "t1"}

    def put_job_success_result(self, **answer: Any) -> None:
        self.answers.append(("success", answer))
        self._refuse("Answer")

    def put_job_failure_result(self, **answer: Any) -> None:
        self.answers.append(("failure", answer))
        self._refuse("Answer")


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE", "pay")
    monkeypatch.setenv("EVIDENCE_BUCKET", "evidence")
    monkeypatch.setenv("PIPELINE", "pay-pipeline")
    monkeypatch.setenv("NAMESPACE", "Ours")
    monkeypatch.setenv("TEMPLATES_BUCKET", "templates")
    monkeypatch.setenv("TEMPLATES_KEY", "templates.zip")
    checks = {"BanditReport": ["bandit", "bandit", "bandit"], "UnitTestsReport": ["unit-tests", "junit", "pytest"]}
    monkeypatch.setenv("WAIVER_DAYS", "366")
    monkeypatch.setenv("WEAKER_POLICY", "allow")
    monkeypatch.setenv("CHECKS", json.dumps(checks))
    monkeypatch.setattr(report_artifacts, "SECONDS_BETWEEN_LISTINGS", 0)


def run(
    monkeypatch: pytest.MonkeyPatch, aws: Aws, *, remaining: int = 100_000, parameters: str | None = None
) -> tuple[str, dict[str, Any]]:
    monkeypatch.setattr("boto3.client", aws.client)
    asked = {"sourceVersion": "v1", "templatesVersion": "t1", "execution": "e-1"}
    user_parameters = json.dumps(asked) if parameters is None else parameters
    data = {
        "actionConfiguration": {"configuration": {"UserParameters": user_parameters}},
        "inputArtifacts": [],
        "artifactCredentials": {"accessKeyId": "AKIA", "secretAccessKey": "never-in-a-log", "sessionToken": "t"},
    }
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: remaining)
    handler.handler({"CodePipeline.job": {"id": JOB, "data": data}}, context)
    (answer,) = aws.answers
    assert answer[1]["jobId"] == JOB
    return answer


def test_a_run_with_templates_that_were_replaced_is_refused_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = json.dumps({"sourceVersion": "v1", "templatesVersion": "t0", "execution": "e-1"})
    aws = Aws(BanditReport=bandit(CLEAN), UnitTestsReport=unit_tests())
    kind, answer = run(monkeypatch, aws, parameters=asked)

    assert kind == "failure"
    assert answer["failureDetails"]["message"] == (
        "The gate failed and blocks this release: ValueError: the release has version t0 of the templates, but t1 is"
        " the newest version. Release again, or set pipeline.older_templates to t0 in the configuration to deploy the"
        " older version."
    )
    assert aws.puts == {}
    assert json.loads(capsys.readouterr().out)["GateErrors"] == 1


@pytest.mark.parametrize(("named", "kind"), [("t0", "success"), ("t", "failure"), ("", "failure")])
def test_only_the_older_version_that_the_configuration_names_passes(
    named: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = json.dumps({"sourceVersion": "v1", "templatesVersion": "t0", "execution": "e-1"})
    monkeypatch.setenv("OLDER_TEMPLATES", named)

    assert run(monkeypatch, Aws(BanditReport=bandit(CLEAN), UnitTestsReport=unit_tests()), parameters=asked)[0] == kind


def test_checks_that_had_different_sources_stop_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    other = zipped(report__json=CLEAN, run__json=record("bandit", "bandit", digest="b" * 64))
    kind, answer = run(monkeypatch, Aws(BanditReport=other, UnitTestsReport=unit_tests()))

    assert kind == "failure"
    assert "the checks judged different sources" in answer["failureDetails"]["message"]


def test_without_an_answer_which_templates_are_newest_the_release_is_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws(BanditReport=bandit(CLEAN), UnitTestsReport=unit_tests())
    aws.refuse["HeadObject"] = "404"

    assert run(monkeypatch, aws)[0] == "failure"


def test_clean_reports_pass_with_the_variables_that_later_stages_ask_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = Aws(BanditReport=bandit(CLEAN), UnitTestsReport=unit_tests())
    kind, answer = run(monkeypatch, aws)

    assert kind == "success"
    assert answer["outputVariables"] == {
        "Verdict": "PASS",
        "Critical": "0",
        "High": "0",
        "Medium": "0",
        "Waived": "0",
        "Weaker": "0",
        "SourceDigest": "a" * 64,
        "ReportKey": "pay/e-1/verdict.json",
    }
    kept = json.loads(aws.puts["pay/e-1/verdict.json"])
    assert (kept["verdict"], kept["source_version"], kept["templates_version"]) == ("PASS", "v1", "t1")
    assert aws.puts["pay/e-1/summary.md"].startswith(b"# PASS")
    (line,) = capsys.readouterr().out.splitlines()
    metrics = json.loads(line)
    assert (metrics["PipelineName"], metrics["ReleaseStopped"], metrics["CriticalFindings"]) == ("pay-pipeline", 0, 0)
    (declared,) = metrics["_aws"]["CloudWatchMetrics"]
    assert declared["Namespace"] == "Ours"
    assert {each["Name"] for each in declared["Metrics"]} < metrics.keys()
    assert aws.listings == [{"pipelineName": "pay-pipeline", "filter": {"pipelineExecutionId": "e-1"}}]
    assert kept["reports"] == {
        check: {
            "key": name,
            "version": f"version of {name}",
            "sha256": hashlib.sha256(aws.objects[name]).hexdigest(),
        }
        for check, name in {"bandit": "BanditReport", "unit-tests": "UnitTestsReport"}.items()
    }
    assert "never-in-a-log" not in line


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ({"BanditReport": bandit(BAD), "UnitTestsReport": unit_tests()}, "**high** B602\n  - where: `a.py:0`"),
        (
            {
                "BanditReport": bandit(CLEAN),
                "UnitTestsReport": unit_tests(TESTS.replace("/>", "><failure/></testcase>")),
            },
            "**high** a\n",
        ),
        ({"BanditReport": bandit(CLEAN)}, "**unit-tests**: its report is missing"),
        ({"BanditReport": bandit(CLEAN, "v0"), "UnitTestsReport": unit_tests()}, "source_version 'v0' instead of 'v1'"),
        (
            {"BanditReport": zipped(run__json=record("bandit", "bandit")), "UnitTestsReport": unit_tests()},
            "no report.json",
        ),
        (
            {"BanditReport": zipped(), "UnitTestsReport": unit_tests()},
            "the artifact has no report.json and no run.json",
        ),
        ({"BanditReport": zipped(report__json="", run__json=record("bandit", "bandit"))}, "the report is empty"),
        ({"BanditReport": b"<html>", "UnitTestsReport": unit_tests()}, "the artifact is not a zip"),
    ],
)
def test_what_does_not_pass_fails_with_the_summary(
    objects: dict[str, bytes], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = Aws(**objects)
    kind, answer = run(monkeypatch, aws)

    assert (kind, answer["failureDetails"]["type"]) == ("failure", "JobFailed")
    assert answer["failureDetails"]["message"].startswith("# FAIL")
    assert reason in answer["failureDetails"]["message"]
    assert json.loads(aws.puts["pay/e-1/verdict.json"])["verdict"] == "FAIL"


@pytest.mark.parametrize(
    ("options", "refuse", "reason"),
    [
        ({"parameters": "not JSON"}, {}, "JSONDecodeError"),
        ({"parameters": "{}"}, {}, "ValueError: the user parameters must be ['execution', 'sourceVersion', "),
        (
            {"parameters": '{"sourceVersion": "", "templatesVersion": "t1", "execution": "e-1"}'},
            {},
            "ValueError: the pipeline did not pass a source version",
        ),
        ({"remaining": 1000}, {}, "TimeIsUp: less than 15 seconds remain before the timeout"),
        ({}, {"PutObject": "AccessDenied"}, "AccessDenied"),
        ({}, {"ListActionExecutions": "AccessDenied"}, "AccessDenied"),
    ],
)
def test_a_gate_that_cannot_judge_lets_nothing_pass(
    options: dict[str, Any],
    refuse: dict[str, str],
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = Aws(BanditReport=bandit(CLEAN), UnitTestsReport=unit_tests())
    aws.refuse = refuse
    kind, answer = run(monkeypatch, aws, **options)

    assert kind == "failure"
    # It has answered and returned, so AWS/Lambda Errors stays 0: its own metric is what the alarm hears.
    metrics = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (metrics["GateErrors"], metrics["PipelineName"]) == (1, "pay-pipeline")
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "GateErrors", "Unit": "Count"}]
    assert "blocks this release" in answer["failureDetails"]["message"]
    assert reason in answer["failureDetails"]["message"]


def test_evidence_of_an_earlier_attempt_stays_and_a_decision_that_differs_is_put_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = Aws(BanditReport=bandit(BAD), UnitTestsReport=unit_tests())
    _, failed = run(monkeypatch, aws)
    first = dict(aws.puts)
    assert failed["failureDetails"]["message"].endswith("Evidence: pay/e-1/verdict.json")

    # The same decision again is the same evidence.
    aws.answers.clear()
    run(monkeypatch, aws)
    assert aws.puts == first

    aws.answers.clear()
    aws.objects["BanditReport"] = bandit(CLEAN)
    kind, passed = run(monkeypatch, aws)
    assert (kind, passed["outputVariables"]["ReportKey"]) == ("success", "pay/e-1/verdict-2.json")
    assert json.loads(aws.puts["pay/e-1/verdict-2.json"])["verdict"] == "PASS"
    assert aws.puts["pay/e-1/summary-2.md"].startswith(b"# PASS")
    assert {key: aws.puts[key] for key in first} == first


def test_a_run_that_was_judged_too_often_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws(BanditReport=bandit(CLEAN), UnitTestsReport=unit_tests())
    aws.puts = {f"pay/e-1/summary{number}.md": b"" for number in ("", *(f"-{each}" for each in range(2, 10)))}
    kind, answer = run(monkeypatch, aws)

    assert kind == "failure"
    assert (
        "cannot store pay/e-1/summary.md: this key and the numbered keys up to pay/e-1/summary-9.md already have other"
        " content" in answer["failureDetails"]["message"]
    )


def test_a_long_summary_fits_into_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {**CLEAN, "results": [{**ROW, "test_id": f"B{n}", "filename": "x" * 300} for n in range(200)]}
    _, answer = run(monkeypatch, Aws(BanditReport=bandit(many), UnitTestsReport=unit_tests()))

    message = answer["failureDetails"]["message"]
    assert 4500 < len(message) <= handler.MESSAGE_LENGTH <= 5000
    assert message.endswith("\n\nEvidence: pay/e-1/verdict.json")


@pytest.mark.parametrize(("code", "raised"), [("InvalidJobStateException", False), ("Throttling", True)])
def test_an_answer_that_was_given_before_is_done_and_one_that_was_lost_is_tried_again(
    code: str, raised: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = Aws(BanditReport=bandit(CLEAN), UnitTestsReport=unit_tests())
    aws.refuse = {"Answer": code}
    if raised:
        with pytest.raises(ClientError, match=code):
            run(monkeypatch, aws)
    else:
        assert run(monkeypatch, aws)[0] == "success"


LAST = datetime.now(UTC).date() + timedelta(300)
WAIVED = f'[[waivers]]\nid = "B602"\npath = "a.py"\nreason = "r"\nowner = "o"\nexpires = {LAST}\n'


def test_the_policy_of_the_source_counts_where_all_checks_hand_on_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    same = {"scan-policy__toml": WAIVED}
    aws = Aws(BanditReport=bandit(BAD, **same), UnitTestsReport=unit_tests(**same))
    assert run(monkeypatch, aws)[0] == "success"

    changed = Aws(BanditReport=bandit(BAD, **same), UnitTestsReport=unit_tests())
    kind, answer = run(monkeypatch, changed)
    assert kind == "failure"
    assert (
        "- **scan-policy.toml**: the checks do not all have the same copy of this file; checks with a copy: bandit"
        in answer["failureDetails"]["message"]
    )


def test_variables_that_are_too_large_are_left_out_rather_than_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws(BanditReport=bandit(CLEAN), UnitTestsReport=unit_tests())
    aws.refuse = {"Answer": "OutputVariablesSizeExceededException"}
    put = aws.put_job_success_result

    def once(**answer: Any) -> None:
        try:
            put(**answer)
        finally:
            aws.refuse = {}

    monkeypatch.setattr(aws, "put_job_success_result", once)
    monkeypatch.setattr("boto3.client", aws.client)
    with contextlib.suppress(ValueError):
        run(monkeypatch, aws)

    assert [answer.keys() for _, answer in aws.answers] == [{"jobId", "outputVariables"}, {"jobId"}]


def test_time_that_runs_out_while_a_report_is_read_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(reader: Any, form: str, data: bytes, tool: str) -> Report:
        while True:
            with contextlib.suppress(Exception):
                time.sleep(0.01)

    monkeypatch.setattr(handler, "read_or_mark_unusable", endless)
    aws = Aws(BanditReport=bandit(CLEAN), UnitTestsReport=unit_tests())
    kind, answer = run(monkeypatch, aws, remaining=15_100)

    assert kind == "failure"
    assert "TimeIsUp: less than 15 seconds remain before the timeout" in answer["failureDetails"]["message"]


def test_a_zip_is_read_within_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped(a=b"0" * 5_000_000)
    monkeypatch.setattr(artifacts, "MAX_BYTES", 1_000_000)
    monkeypatch.setattr(report_artifacts, "MAX_BYTES", 1_000_000)
    with pytest.raises(UnusableError, match="a has more than 1,000,000 bytes"):
        artifacts.read_entries(bomb, ["a"])
    with pytest.raises(UnusableError, match="bytes, but the limit is"):
        report_artifacts.fetch_artifact(Aws(a=b"0" * 1_000_001), {"bucket": "b", "key": "a"})


def test_a_zip_that_is_odd_is_refused() -> None:
    with pytest.raises(UnusableError, match="has 101 entries"):
        artifacts.read_entries(zipped(**{f"f{number}": "" for number in range(101)}), [])
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a", "2")
    with pytest.raises(UnusableError, match="the entry 'a', which programs unpack in different ways"):
        artifacts.read_entries(twice.getvalue(), ["a"])
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a", "a text to be damaged")
    with pytest.raises(UnusableError, match="a cannot be read: Bad CRC-32"):
        artifacts.read_entries(stored.getvalue().replace(b"damaged", b"DAMAGED"), ["a"])


def test_the_joined_gate_is_the_same_code_with_the_readers_that_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = scan_gate_source(["bandit", "junit", "bandit"])
    (tmp_path / "joined_gate_index.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    index = importlib.import_module("joined_gate_index")

    assert list(index.READERS) == ["bandit", "junit"]
    assert index.READERS["bandit"](json.dumps(CLEAN).encode()).status == "ok"
    assert callable(index.handler)
    assert "cicd_templates" not in text
    assert "read_trivy" not in text
    assert JOINED.keys() == READERS.keys()
    assert text.count("from __future__") == 1


def test_the_joined_gate_reads_findings_of_every_check_that_it_judges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "joined_gate_all.py").write_text(scan_gate_source(READERS))
    monkeypatch.syspath_prepend(tmp_path)
    index = importlib.import_module("joined_gate_all")
    found = {
        "bandit": {"results": [{"test_id": "B602", "issue_severity": "HIGH"}], "errors": [], "metrics": {"a": {}}},
        "snyk": {"vulnerabilities": [{"id": "S1", "severity": "high"}], "dependencyCount": 1},
        "sarif": {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": [{"ruleId": "R1"}]}]},
    }

    for form, report in found.items():
        read = index.READERS[form](json.dumps(report).encode())
        assert [finding.tool for finding in read.findings], (form, read.reason)
    policy = index.read_policy(b'[thresholds]\nbandit = "low"\n', ["bandit"])
    assert policy.thresholds == {"bandit": "low"}


def test_two_modules_of_the_gate_that_define_the_same_name_are_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inlined_scan_gate, "AFTER", (*inlined_scan_gate.AFTER, "record"))

    with pytest.raises(ValueError, match="RECORD is defined twice: # --- record"):
        scan_gate_source(["bandit"])


LOW = {"test_id": "B101", "issue_severity": "LOW", "issue_confidence": "HIGH", "filename": "a.py", "line_number": 2}


def with_findings(*rows: dict[str, Any]) -> bytes:
    return bandit({**CLEAN, "results": list(rows)})


def test_what_is_new_since_the_last_release_that_passed_is_listed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws(BanditReport=with_findings(LOW), UnitTestsReport=unit_tests())
    assert run(monkeypatch, aws)[0] == "success"
    first = aws.puts["pay/e-1/summary.md"].decode()
    assert "Findings that do not stop the release:\n\n- **low** B101, `a.py:2`\n" in first

    (stored,) = [key for key in aws.puts if key.startswith("pay/passed/")]
    assert len(json.loads(aws.puts[stored])) == 1
    again = json.dumps({"sourceVersion": "v1", "templatesVersion": "t1", "execution": "e-2"})
    rows = [{**LOW, "test_id": "A001", "filename": "old.py"}, {**LOW, "test_id": "B999"}, LOW]
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000)
    aws.answers.clear()
    for name, report in {"BanditReport": rows[1:], "UnitTestsReport": None}.items():
        aws.objects[name] = with_findings(*report) if report else unit_tests()
    aws.objects = {name: renamed(data, "e-2") for name, data in aws.objects.items()}
    assert run(monkeypatch, aws, parameters=again)[0] == "success"
    second = aws.puts["pay/e-2/summary.md"].decode()

    assert "- **low** B999, `a.py:2` (new since the last release)\n- **low** B101, `a.py:2`\n" in second
    found = json.loads(aws.puts["pay/e-2/verdict.json"])["findings"]
    assert {row["id"]: row["new"] for row in found} == {"B999": True, "B101": False}
    assert min(key for key in aws.puts if key.startswith("pay/passed/")) == "pay/passed/8000000000-e-2.json"


def renamed(data: bytes, execution: str) -> bytes:
    """Return an artifact whose record names another execution."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name.replace(".", "__"): archive.read(name) for name in archive.namelist()}
    files["run__json"] = json.dumps({**json.loads(files["run__json"]), "execution": execution}).encode()
    return zipped(**files)


def test_a_release_that_stops_is_not_the_last_release(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws(BanditReport=bandit(BAD), UnitTestsReport=unit_tests())

    assert run(monkeypatch, aws)[0] == "failure"
    assert not any(key.startswith("pay/passed/") for key in aws.puts)


@pytest.mark.parametrize(("code", "raised"), [("PreconditionFailed", False), ("AccessDenied", True)])
def test_a_release_is_remembered_once(code: str, raised: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws()
    aws.refuse = {"PutObject": code}

    with pytest.raises(ClientError, match=code) if raised else contextlib.nullcontext():
        remember_release(aws, "e-1", Decision())
    assert aws.puts == {}


def test_findings_below_the_threshold_are_listed_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{**LOW, "test_id": f"B{number}", "issue_text": "asserts"} for number in range(30)]
    aws = Aws(BanditReport=with_findings(*rows), UnitTestsReport=unit_tests())
    run(monkeypatch, aws)
    text = aws.puts["pay/e-1/summary.md"].decode()

    assert text.count("- **low** ") == 25
    assert "- **low** B0: asserts, `a.py:2`\n" in text
    assert text.endswith("- 5 more findings are in verdict.json: 5 low\n")


def listed(*pages: list[dict[str, Any]]) -> Any:
    """Return a CodePipeline that answers each call with the next of `pages`, and repeats the last one."""
    answers = list(pages)

    def paginate(**request: Any) -> list[dict[str, Any]]:
        return [{"actionExecutionDetails": answers.pop(0) if len(answers) > 1 else answers[0]}]

    return SimpleNamespace(get_paginator=lambda operation: SimpleNamespace(paginate=paginate))


@pytest.mark.parametrize(
    ("executions", "expected"),
    [
        pytest.param([execution_of("BanditReport")], ["BanditReport"], id="the action succeeded"),
        pytest.param([], [], id="the check did not run"),
        pytest.param([execution_of("BanditReport", status="Failed")], [], id="it failed"),
        pytest.param([execution_of("BanditReport", status="Abandoned")], [], id="it was abandoned"),
        pytest.param([execution_of("BanditReport", status="InProgress")], [], id="it has not ended"),
        pytest.param([execution_of("BanditReport", "e-0")], [], id="it is of another run"),
        pytest.param([execution_of("SnykReport")], [], id="another check"),
        pytest.param(
            [execution_of("BanditReport", start=2, status="Failed"), execution_of("BanditReport", start=1)],
            [],
            id="a retry failed",
        ),
        pytest.param(
            [execution_of("BanditReport", start=1, status="Failed"), execution_of("BanditReport", start=2)],
            ["BanditReport"],
            id="a retry succeeded",
        ),
        pytest.param([{**execution_of("BanditReport"), "output": {}}], [], id="it put nothing out"),
    ],
)
def test_a_report_is_what_the_newest_run_of_its_action_put_out(
    executions: list[dict[str, Any]], expected: list[str]
) -> None:
    assert list(report_artifacts.find_artifacts(listed(executions), "e-1", ["BanditReport"])) == expected


def test_of_two_runs_of_an_action_the_newer_one_counts_in_whatever_order_they_are_listed() -> None:
    old, new = execution_of("BanditReport", start=1), execution_of("BanditReport", start=2)
    new["output"]["outputArtifacts"][0]["s3location"] = {"bucket": "artifacts", "key": "newer"}

    for order in ([old, new], [new, old]):
        found = report_artifacts.find_artifacts(listed(order), "e-1", ["BanditReport"])
        assert found == {"BanditReport": {"bucket": "artifacts", "key": "newer"}}


@pytest.mark.parametrize(("late", "kind"), [(0, "success"), (4, "success"), (5, "failure")])
def test_an_action_whose_end_is_listed_late_is_waited_for_but_not_for_ever(
    late: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = Aws(BanditReport=bandit(CLEAN), UnitTestsReport=unit_tests())
    aws.unlisted = late
    found, answer = run(monkeypatch, aws)

    assert (found, len(aws.listings)) == (kind, min(late + 1, 5))
    if kind == "failure":
        assert "- **bandit**: its report is missing" in answer["failureDetails"]["message"]


def test_a_dozen_checks_are_judged_in_one_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"lint-{number}" for number in range(12)]
    monkeypatch.setenv("CHECKS", json.dumps({f"{name}Report": [name, "bandit", "bandit"] for name in names}))
    reports = {
        f"{name}Report": zipped(report__json=CLEAN, run__json=record(name, "bandit", digest="c" * 64)) for name in names
    }
    kind, answer = run(monkeypatch, Aws(**reports))
    assert (kind, answer["outputVariables"]["SourceDigest"]) == ("success", "c" * 64)

    worse = {
        **reports,
        "lint-11Report": zipped(report__json=BAD, run__json=record("lint-11", "bandit", digest="c" * 64)),
    }
    kind, answer = run(monkeypatch, Aws(**worse))
    assert kind == "failure"
    assert "found by lint-11" in answer["failureDetails"]["message"]

    # The report of another check does not count for a check that put none out.
    swapped = {**reports, "lint-3Report": reports["lint-4Report"]}
    kind, answer = run(monkeypatch, Aws(**swapped))
    assert (kind, "check 'lint-4' instead of 'lint-3'" in answer["failureDetails"]["message"]) == ("failure", True)
