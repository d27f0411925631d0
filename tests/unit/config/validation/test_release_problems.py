"""Releases: who approves them, what checks them, and where their source comes from."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.config.problems import PRODUCTION, SERVICE, problems_of

OWN = {"version": "x", "commands": ["x"], "image": f"a.b/c@sha256:{'0' * 64}"}
CONNECTION = "arn:aws:codeconnections:eu-central-1:111111111111:connection/1"


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [(f"{SERVICE}/checks", ...)],
            "services.parcel-dispatcher.checks: no check is configured, so the gate would have no report",
            id="no check",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/bandit", {"version": "x", "commands": ["x"], "image": f"a.b/c@sha256:{'0' * 64}"})],
            "services.parcel-dispatcher.checks.bandit.format: missing; a check without a preset must set it",
            id="own check without format",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/bandit", {**OWN, "format": "sarif"})],
            "services.parcel-dispatcher.checks.bandit.tool: missing; many tools write sarif, so name the tool that"
            ' writes this report, such as tool = "gitleaks"',
            id="SARIF without a tool",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/{word}-lint", {"preset": "bandit"}) for word in "abcdefghijklmnop"],
            "services.parcel-dispatcher.checks: 21 checks are too many; a service has at most 20",
            id="more checks than a service may have",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/{letter * 334}", {"preset": "bandit"}) for letter in "xyz"],
            "services.parcel-dispatcher.checks: the names of the checks and their tools have 1035 characters in"
            " all, and at most 1000 fit into the environment variables of the gate's function",
            id="names that do not fit into the variables of the gate's function",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/snyk", {"preset": "snyk", "commands": ["npm audit"]})],
            "services.parcel-dispatcher.checks.snyk.secrets: the check may run code of the application,",
            id="commands of one's own beside a token",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/snyk", {"preset": "snyk", "runs_application": True})],
            "services.parcel-dispatcher.checks.snyk.secrets: the check may run code of the application,",
            id="a token beside the application",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/bandit", {"preset": "bandit", "install": ["a"], "secrets": {"A": "a-key"}})],
            "services.parcel-dispatcher.checks.bandit.secrets: the check may run code of the application,",
            id="a secret beside an installation of one's own",
        ),
        pytest.param(
            [(f"{SERVICE}/source", "github"), (f"{SERVICE}/github", {"repository": "me/pay"})],
            "services.parcel-dispatcher.github.connection_arn: missing; create a connection in the AWS console",
            id="GitHub without a connection",
        ),
        pytest.param(
            [(f"{SERVICE}/source", "github"), (f"{SERVICE}/github", {"connection_arn": CONNECTION})],
            "services.parcel-dispatcher.github.repository: missing; set the application's repository; the"
            " placeholder octocat/Hello-World cannot be released to protected environments (production)",
            id="placeholder in a protected path",
        ),
        pytest.param(
            [(f"{SERVICE}/github", {"releases": True})],
            "services.parcel-dispatcher.github.repository: missing; set the application's repository",
            id="placeholder for GitHub Actions",
        ),
        pytest.param(
            [(f"{PRODUCTION}/stakeholders/approvers", ...)],
            "environments.production.stakeholders.approvers: missing; a protected environment in pipeline.path needs an"
            " approver",
            id="nobody approves",
        ),
    ],
)
def test_what_a_release_needs_is_asked_for_by_its_path(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert len(problems) == 1, problems
    assert problems[0].startswith(expected)
