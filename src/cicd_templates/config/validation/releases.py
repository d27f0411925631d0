"""Finds problems with releases: their approvers, their checks and their sources."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.tables.checks import PRESET_SECRETS, SHARED_FORMATS
from cicd_templates.config.tables.github import PLACEHOLDER_REPOSITORY
from cicd_templates.config.validation import build_commands
from cicd_templates.config.validation.names import problems_of_checks
from cicd_templates.config.validation.problem import Problem

# A stage has up to 50 actions. With this many checks, the template of the builds is well below CloudFormation's 1 MB.
MAXIMUM_CHECKS = 20
# The gate's function has a list of the checks in its environment variables, which hold 4 KB in all:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
MAXIMUM_CHECK_NAMES = 1000


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Yield a problem for each wrong or missing release setting of an environment.

    In a runtime environment, these settings are the approvers. In the tools environment, they are checks and sources.
    """
    if environment.kind == "runtime":
        yield from _approvers(environment)
        return
    path = environment.pipeline.path
    protected = [peer.name for peer in environment.peers if peer.protected and peer.name in path]
    for service in environment.services:
        where = f"environments.{environment.name}.services.{service.name}"
        yield from _checks(service, [peer.name for peer in environment.peers], where)
        yield from build_commands.problems(service.settings, where)
        yield from _source(service, where, protected)


def _approvers(environment: Environment) -> Iterator[Problem]:
    on_the_path = environment.name in environment.pipeline.path
    if on_the_path and environment.protected and not environment.settings.stakeholders.approvers:
        yield Problem(
            f"environments.{environment.name}.stakeholders.approvers",
            "missing; a protected environment in pipeline.path needs an approver",
        )


def _source(service: Service, where: str, protected: list[str]) -> Iterator[Problem]:
    github = service.settings.github
    if service.settings.source == "github" and github.connection_arn is None:
        yield Problem(
            f"{where}.github.connection_arn",
            'missing; create a connection in the AWS console for source = "github", or use source = "s3"',
        )
    released = service.settings.source == "github" or github.releases
    if released and github.repository == PLACEHOLDER_REPOSITORY and protected:
        yield Problem(
            f"{where}.github.repository",
            "missing; set the application's repository, because releases to protected environments"
            f" ({', '.join(protected)}) cannot use the placeholder {PLACEHOLDER_REPOSITORY}",
        )


# For each format that many tools write: the name of one such tool, as an example in messages.
_EXAMPLES = {"cyclonedx": "grype", "junit": "pytest", "sarif": "gitleaks"}


def _checks(service: Service, environments: list[str], where: str) -> Iterator[Problem]:
    checks = service.settings.checks
    if not checks:
        yield Problem(
            f"{where}.checks",
            'no check is configured, so the gate would have no report; begin with bandit = { preset = "bandit" }',
        )
    if len(checks) > MAXIMUM_CHECKS:
        yield Problem(f"{where}.checks", f"{len(checks)} checks are too many; a service has at most {MAXIMUM_CHECKS}")
    letters = sum(len(name) + len(check.tool or "") for name, check in checks.items())
    if letters > MAXIMUM_CHECK_NAMES:
        yield Problem(
            f"{where}.checks",
            f"the names of the checks and their tools have {letters} characters in all, and at most"
            f" {MAXIMUM_CHECK_NAMES} fit into the environment variables of the gate's function; choose shorter names",
        )
    yield from problems_of_checks(checks, environments, f"{where}.checks")
    for name, check in checks.items():
        secret = check.secrets or (check.preset is not None and PRESET_SECRETS.get(check.preset))
        if secret and check.may_run_application:
            yield Problem(
                f"{where}.checks.{name}.secrets",
                "the check may run code of the application, and this code could read the secrets; remove the secrets."
                " If the check runs neither the application nor its packages, you can set runs_application = false"
                " instead",
            )
        if check.preset is None:
            for key in ("image", "commands", "format", "version"):
                if not getattr(check, key):
                    yield Problem(f"{where}.checks.{name}.{key}", "missing; a check without a preset needs this key")
        if check.format in SHARED_FORMATS and not check.tool:
            yield Problem(
                f"{where}.checks.{name}.tool",
                f"missing; many tools write {check.format}, so name the tool that writes this report, such as"
                f' tool = "{_EXAMPLES[check.format]}"',
            )
