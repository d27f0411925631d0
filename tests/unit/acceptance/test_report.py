"""The report: what it says to somebody who does not know the project, and what it does not hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cicd_templates.acceptance.check import Check, LocalCoverage, State
from cicd_templates.acceptance.journal import Entry, Journal
from cicd_templates.acceptance.project import EnvironmentAccess
from cicd_templates.acceptance.report import ANSWER_LENGTH, as_json, as_markdown, known_values, redacted, report_of

ACCESS = {"tools": "111111111111 eu-central-1", "staging": "222222222222 us-east-1"}
ONE_ACCESS = EnvironmentAccess(
    "111111111111",
    "eu-central-1",
    profile="acme-prod",
    role_arn="arn:aws:iam::111111111111:role/ops/acme.deployer",
    external_id="s3cr+t",
    caller_account="444444444444",
)
OTHER = EnvironmentAccess("222222222222", "us-east-1")
CHECKS = (
    Check("shown", "It works.", lambda context: ""),
    Check(
        "walked",
        "It moves.",
        lambda context: "",
        local_coverage=LocalCoverage.STEPS_ONLY,
        local_limit="nothing moves here",
    ),
    Check("impossible", "It waits.", lambda context: "", local_coverage=LocalCoverage.NOT_POSSIBLE),
    Check("broken", "It holds | really.", lambda context: ""),
)
ENTRIES = {
    "shown": Entry(State.PASSED, "34 stacks", 61.4, "2026-01-01T00:00:00"),
    "walked": Entry(State.PASSED, "it was deployed"),
    "impossible": Entry(State.NOT_POSSIBLE, "there is no queue"),
    "broken": Entry(State.FAILED, "account 111111111111 refused"),
}


def journal(*, local: bool) -> Journal:
    return Journal(Path("journal.json"), "abcde", local, ACCESS, "2026-01-01T00:00:00", entries=dict(ENTRIES))


def report(*, local: bool) -> tuple[str, dict[str, object]]:
    made = report_of(
        CHECKS, journal(local=local), [ONE_ACCESS], version="1.2.3", python="3.11.7", ended="2026-01-01T01:00:00"
    )
    return as_markdown(made), json.loads(as_json(made))


def test_a_report_of_the_local_aws_says_what_was_not_shown() -> None:
    page, document = report(local=True)

    assert (
        "**This run used a local AWS, which imitates AWS on one machine. Nothing in it was measured on AWS.**" in page
    )
    assert "- 4 checks: 1 proven, 1 walked through, 1 failed, 1 not possible here" in page
    assert "| walked | It moves. | it was deployed. Not shown: nothing moves here | 0 |" in page
    assert "| impossible | It waits. | not possible on the local AWS: there is no queue | 0 |" in page
    assert [title for title in page.splitlines() if title.startswith("## ")] == [
        "## Failed",
        "## Proven on the local AWS",
        "## Walked through",
        "## Not run",
    ]
    assert (document["aws"], document["accounts"], document["regions"]) == ("local", 2, ["eu-central-1", "us-east-1"])


def test_a_report_of_aws_counts_what_passed_as_proven() -> None:
    page, document = report(local=False)

    assert "**This run used AWS, in 2 accounts.**" in page
    assert "- 4 checks: 2 proven, 1 failed, 1 not possible here" in page
    assert document["aws"] == "real"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("account 111111111111 refused", "account (an account) refused"),
        ("arn:aws:iam::111111111111:role/deployer, denied", "(an ARN), denied"),
        ("stack acceptance-staging-abcde-keys", "stack acceptance-staging-keys"),
        ("key AKIAIOSFODNN7EXAMPLE", "key (an access key)"),
        ("to nobody@example.com", "to (an address)"),
        ("in /home/somebody/project/out", "in (a file)"),
        ("token " + "a1" * 30, "token (a long text)"),
        ("two\nlines", "two lines"),
        ("bucket acme-logs-111111111111", "bucket acme-logs-(an account)"),
        ("bucket acme-logs-999999999999-eu", "bucket acme-logs-(an account)-eu"),
        ("bucket logs-a999999999999b", "bucket logs-a(an account)b"),
        ("caller 444444444444", "caller (an account)"),
        ("no session (acme-prod)", "no session ((a profile))"),
        ("acme-production is another word", "acme-production is another word"),
        ("assumed-role/ops/acme.deployer/x", "assumed-role/(a role)/x"),
        ("role acme.deployer", "role (a role)"),
        ("external id s3cr+t", "external id (an external id)"),
        ("event 7d9e3b2a-0c1d-4e5f-8a9b-123456789012", "event 7d9e3b2a-0c1d-4e5f-8a9b-123456789012"),
        ("5f-8a9b-123456789012", "5f-8a9b-(an account)"),
        ("number 1234567890123", "number 1234567890123"),
        ("x y " * 500, ("x y " * 500)[:ANSWER_LENGTH]),
    ],
)
def test_an_answer_holds_no_account_name_or_token(text: str, expected: str) -> None:
    assert redacted(text, journal(local=True), known_values([ONE_ACCESS, OTHER])) == expected


def test_no_part_of_a_report_holds_an_account() -> None:
    for local in (True, False):
        page, document = report(local=local)
        assert "111111111111" not in page + json.dumps(document)
        assert "abcde" not in page + json.dumps(document)
