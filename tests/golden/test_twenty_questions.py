"""A reader of only `out/` can answer twenty questions. Each question has the line that answers it.

The patterns match the wording of the answers, so that a change of the wording is noticed.
"""

from __future__ import annotations

import re

import pytest

from tests.conftest import PROJECT

OUT = PROJECT / "out"
S = r"parcel-dispatcher"

QUESTIONS = [
    (
        "What can the internet reach in production?",
        "production/REVIEW.md",
        r"\*\*Reachable from the internet\*\*: .*admits 0\.0\.0\.0/0 on port 443;.* listens on"
        r" HTTPS 443 with ELBSecurityPolicy-TLS13",
    ),
    (
        "What can the internet reach where the pipeline lives?",
        "tools/REVIEW.md",
        r"\*\*Reachable from the internet\*\*: nothing$",
    ),
    (
        "Who can act in production from another account?",
        "production/REVIEW.md",
        rf"\*\*Access to production from outside\*\*: .*account tools as delivery-{S}\.DeliveryRole"
        rf" where aws:PrincipalArn is tools: pipeline-{S}\.PipelineRole",
    ),
    (
        "Who approves a release?",
        "tools/REVIEW.md",
        rf"\*\*Release permissions\*\*: approve: access-{S}\.ApproversPolicy;",
    ),
    (
        "Who may start a run?",
        "tools/REVIEW.md",
        rf"start, retry or roll back an execution: access-{S}\.OperatorsPolicy, pipeline-{S}\.StartRole;",
    ),
    (
        "Who may override a lock?",
        "tools/REVIEW.md",
        r"\*\*Release permissions\*\*: .*override a stage condition: nobody;",
    ),
    ("Who may put a release?", "tools/REVIEW.md", rf"upload a release: access-{S}\.DevelopersPolicy$"),
    (
        "Can a developer approve what they released?",
        "tools/REVIEW.md",
        rf"^\| access-{S} \| DevelopersPolicy, OperatorsPolicy, AuditorsPolicy"
        rf" \| Deny LeaveApprovalsToOthers \| codepipeline: PutApprovalResult",
    ),
    (
        "Which key encrypts the artifacts, and how long are they kept?",
        "tools/REVIEW.md",
        r"^\| storage \| S3::Bucket \| Artifacts \| keys\.Key \| 400 days",
    ),
    (
        "Does the key rotate, and does it survive its stack?",
        "tools/REVIEW.md",
        r"^\| keys \| KMS::Key .* rotated every \d+ days .*\| retained \|",
    ),
    (
        "What is not under a key of ours?",
        "tools/REVIEW.md",
        r"\*\*Exceptions that AWS requires\*\*: .*storage\.LogDelivery is encrypted with a key of AWS",
    ),
    (
        "Why does a role name every resource?",
        "tools/REVIEW.md",
        r"LogInToTheRegistry \| .* \| \\\* \|  \| ecr:GetAuthorizationToken supports no resource-level permissions",
    ),
    (
        "Can evidence be replaced?",
        "tools/REVIEW.md",
        r"^\| storage \| EvidencePolicy: .*Deny RefuseToReplace \| anyone \| s3: PutObject",
    ),
    (
        "Who may assume the roles of the checks?",
        "tools/REVIEW.md",
        rf"^\| build-{S} \| UnitTestsRole, BanditRole.* \| codebuild\.amazonaws\.com"
        rf" \| aws:SourceAccount is account tools and",
    ),
    (
        "Who reads the Snyk token?",
        "tools/REVIEW.md",
        rf"^\| build-{S} \| SafetyRole, SnykRole \| ReadItsSecret \| secretsmanager: GetSecretValue \|"
        r" .*; SnykRole: \(own\)TokenSecret \|",
    ),
    ("Who hears that a run is stuck?", "tools/REVIEW.md", r"RunStuckAlarm \| .* \| notifications\.Operations \|$"),
    (
        "And who is that?",
        "tools/REVIEW.md",
        r"\| notifications \| Operations \| shipping-operations`@`example\.com \|$",
    ),
    ("How long are logs kept, here and there?", "DIFFERENCES.md", r"\| RetentionInDays \| 30 \| 365 \|$"),
    (
        "What survives the deletion of staging?",
        "DIFFERENCES.md",
        r"keys\.Key.* \| DeletionPolicy \| Delete \| RetainExceptOnCreate \|$",
    ),
    (
        "What costs while nothing runs?",
        "production/REVIEW.md",
        r"^\| NAT gateway, per hour and per byte \| \d+ \|",
    ),
    (
        "What is still an example?",
        "production/REVIEW.md",
        r"\*\*Example values to replace\*\*: account 333333333333; .*certificates",
    ),
    (
        "What is deployed before what, and how without this tool?",
        "README.md",
        r"^aws cloudformation deploy --region \S+ --stack-name shipping-tools-keys",
    ),
]


@pytest.mark.parametrize(("question", "path", "answer"), QUESTIONS, ids=[question for question, _, _ in QUESTIONS])
def test_a_line_of_out_answers_the_question(question: str, path: str, answer: str) -> None:
    lines = (OUT / path).read_text().splitlines()

    assert [line for line in lines if re.search(answer, line)], question


def test_there_are_twenty_questions() -> None:
    assert len(QUESTIONS) >= 20
