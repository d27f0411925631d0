"""Releases: who approves them, what checks them, and where their source comes from."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import configured
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
            "services.parcel-dispatcher.checks.bandit.format: missing; a check without a preset needs this key",
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
            [(f"{SERVICE}/checks/unit-tests", {"preset": "unit-tests", "secrets": {"A": "a-key"}})],
            "services.parcel-dispatcher.checks.unit-tests.secrets: the check may run code of the application,",
            id="a secret of a preset that runs the application",
        ),
        pytest.param(
            [(f"{SERVICE}/source", "github"), (f"{SERVICE}/github", {"repository": "me/pay"})],
            "services.parcel-dispatcher.github.connection_arn: missing; create a connection in the AWS console",
            id="GitHub without a connection",
        ),
        pytest.param(
            [(f"{SERVICE}/source", "github"), (f"{SERVICE}/github", {"connection_arn": CONNECTION})],
            "services.parcel-dispatcher.github.repository: missing; set the application's repository, because"
            " releases to protected environments (production) cannot use the placeholder octocat/Hello-World",
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


LINT = {**OWN, "format": "sarif", "tool": "gitleaks", "runs_application": False}


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [(f"{SERVICE}/build", {"sbom": ["cyclonedx-py environment > $SBOM", "python3 tools/parts.py > $SBOM"]})],
            "services.parcel-dispatcher.build.sbom[1]: tools/parts.py is a program of the application and must not run"
            " in this build; replace the call with the commands that the program would run, because this build stores"
            " evidence",
            id="script of the source",
        ),
        pytest.param(
            [("environments/tools/services/parcel-dispatcher/build", {"sbom": ["cd web && ./parts > $SBOM"]})],
            "environments.tools.services.parcel-dispatcher.build.sbom[0]: ./parts is a program of the application"
            " and must not run in this build; replace the call with the commands that the program would run, because"
            " this build stores evidence",
            id="program of the source in the table of an environment",
        ),
        pytest.param(
            [(f"{SERVICE}/build", {"sbom": ["python3 -m parts > $SBOM"]})],
            "services.parcel-dispatcher.build.sbom[0]: `python3 -m` can load modules of the application; write"
            " `python3 -I -m`",
            id="Python that is not isolated",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/lint", {**LINT, "install": ["true", "bash ci/install.sh"]})],
            "services.parcel-dispatcher.checks.lint.install[1]: ci/install.sh is a program of the application and"
            " must not run in this build; replace the call with the commands that the program would run, or remove"
            " runs_application",
            id="installation of a check that must not run the application",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/lint", {**LINT, "version": "../lint --version"})],
            "services.parcel-dispatcher.checks.lint.version: ../lint is a program of the application and must not run"
            " in this build; replace the call with the commands that the program would run, or remove runs_application",
            id="version of such a check",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/lint", {**LINT, "commands": ["node lint.mjs"]})],
            "services.parcel-dispatcher.checks.lint.commands[0]: lint.mjs is a program of the application and must"
            " not run in this build; replace the call with the commands that the program would run, or remove"
            " runs_application",
            id="commands of such a check",
        ),
        pytest.param(
            [(f"{SERVICE}/checks/audit", {"preset": "npm-audit", "version": "node tools/version.js"})],
            "services.parcel-dispatcher.checks.audit.version: tools/version.js is a program of the application and"
            " must not run in this build; replace the call with the commands that the program would run, or set"
            " runs_application = true",
            id="version of a preset that only reads the source",
        ),
    ],
)
def test_a_command_that_could_run_the_application_is_refused_with_its_key(
    edits: list[tuple[str, Any]], expected: str
) -> None:
    assert problems_of(*edits) == [expected]


def test_commands_outside_the_source_are_allowed_and_so_are_checks_that_run_the_application() -> None:
    edits = [
        (f"{SERVICE}/build", {"sbom": ["python3 -I /tmp/parts.py > $SBOM", "syft . > $SBOM"]}),
        (f"{SERVICE}/checks/first", {"preset": "bandit", "runs_application": False, "commands": ["/opt/lint ."]}),
        (f"{SERVICE}/checks/second", {**LINT, "runs_application": True, "commands": ["./lint"]}),
        (f"{SERVICE}/checks/tests", {"preset": "unit-tests", "version": "python3 tools/version.py"}),
        (f"{SERVICE}/checks/third", {key: LINT[key] for key in LINT if key != "runs_application"} | {"version": "./v"}),
    ]

    assert configured(*edits).environments
