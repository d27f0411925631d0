"""The command `gate`, which runs the pipeline's scan gate on this machine."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cicd_templates import hints
from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import Command, Group, main
from cicd_templates.cli.options import JSON, SERVICE, make_option
from cicd_templates.errors import ConfigurationError
from cicd_templates.files.ordinary_files import read_ordinary
from cicd_templates.files.paths import CONFIGURATION
from cicd_templates.plurals import counted

if TYPE_CHECKING:
    from cicd_templates.cli.local_gate import Day, ExpectedReport


EXAMPLE = make_option(
    "--example",
    variable="EXAMPLE",
    default="",
    help="Use the configuration and the policy of this example instead of your project's.",
)


@main.group("gate", cls=Group, invoke_without_command=True)
@make_option(
    "--reports",
    variable="REPORTS",
    type=click.Path(path_type=Path),
    help="Folder of the reports, as the checks write them.",
)
@SERVICE
@EXAMPLE
@make_option("--source-version", help="Source version that every report must have.")
@make_option("--policy", variable="POLICY", type=click.Path(path_type=Path), help="Policy of the application, as TOML.")
@JSON
@click.pass_context
def gate(
    ctx: click.Context,
    reports: Path | None,
    service: str | None,
    example: str,
    source_version: str | None,
    policy: Path | None,
    as_json: bool,
) -> None:
    """Decide on this machine whether the reports of a service's checks stop a release; exit with 1 if they do."""
    if ctx.invoked_subcommand:
        return
    from cicd_templates.cli import local_gate as judging
    from cicd_templates.functions.scan_gate.findings import as_json as findings
    from cicd_templates.functions.scan_gate.policy import POLICY
    from cicd_templates.functions.scan_gate.summary import summary

    folder = _folder(reports)
    configured = _configured_in(example)
    own_policy = _source(example) / POLICY
    if policy is None and own_policy.is_file():
        policy = own_policy
    decision = judging.judge(folder, _checks(service, configured), policy, source_version, _day(configured))
    terminal.show_page(json.dumps(findings(decision), indent=2) if as_json else summary(decision).rstrip())
    if policy and not as_json:
        terminal.show("")
        terminal.show(f"Judged by the policy {policy}.")
    if decision.verdict != "PASS":
        ctx.exit(1)


def _folder(reports: Path | None) -> Path:
    if reports is None:
        raise ConfigurationError(f"which reports? Name their folder with {hints.option('REPORTS')}")
    return reports


def _configured_in(example: str) -> Path:
    """Return the path of the example's configuration. If `example` is empty, return the project's."""
    from cicd_templates.cli.example_project import example_configuration

    return example_configuration(example) if example else CONFIGURATION


def _source(example: str) -> Path:
    """Return the folder with the scan policy: the example's folder or, if `example` is empty, the current folder."""
    return _configured_in(example).parent if example else Path()


def _day(configured: Path) -> Day:
    """Return the current time, and the limits that the configuration sets for scan policies."""
    from cicd_templates.cli.local_gate import Day

    pipeline = selection.environment(None, None, configured).pipeline
    return Day(datetime.now(UTC), pipeline.waiver_days, refuse_weaker=pipeline.weaker_policy == "refuse")


def _checks(service: str | None, configured: Path) -> dict[str, ExpectedReport]:
    """Return the report that the gate expects from each check of a service: its format, and the tool that writes it."""
    from cicd_templates.builds.configured_checks import checks_of
    from cicd_templates.cli.local_gate import ExpectedReport

    of = selection.only_service(selection.environment(None, None, configured), service, configured)
    return {check.name: ExpectedReport(check.format, check.tool) for check in checks_of(of)}


@gate.command("waive", cls=Command)
@make_option("--reports", variable="REPORTS", type=click.Path(path_type=Path), help="Folder of the reports.")
@SERVICE
@EXAMPLE
@make_option(
    "--policy",
    variable="POLICY",
    type=click.Path(path_type=Path),
    help="Policy file that gets the waivers; scan-policy.toml by default.",
)
@make_option("--all-current", is_flag=True, help="Write a waiver for each finding that stops the release now.")
@make_option("--expires", variable="EXPIRES", default="", help="Last day of the waivers, such as 2027-03-31.")
@make_option("--owner", variable="OWNER", default="", help="The owner of the waivers.")
@make_option("--reason", default="existed before the gate was introduced", help="The reason for the waivers.")
def waive(
    reports: Path | None,
    service: str | None,
    example: str,
    policy: Path | None,
    all_current: bool,
    expires: str,
    owner: str,
    reason: str,
) -> None:
    """Accept the current findings of a legacy application, so that they no longer stop its releases.

    Writes one waiver for each of these findings. Each waiver has an owner and a last day.
    """
    from cicd_templates.cli import local_gate as judging
    from cicd_templates.functions.scan_gate.policy import POLICY

    today = date.today()
    folder = _folder(reports)
    if not all_current:
        raise ConfigurationError("which findings? Add --all-current to waive every finding that stops the release now")
    if not owner.strip():
        raise ConfigurationError(f"who owns the waivers? Name the owner with {hints.option('OWNER')}")
    last = _last_day(expires, today)
    configured = _configured_in(example)
    checks, day = _checks(service, configured), _day(configured)
    policy = policy or _source(example) / POLICY
    decision = judging.judge(folder, checks, policy if policy.exists() else None, None, day)
    waived = judging.waive(decision, policy, checks, day, expires=last, owner=owner, reason=reason)
    terminal.show(f"{policy}: {counted(waived.written, 'waiver')} added for {owner}, valid until {last}")
    for check, why in decision.broken.items():
        terminal.show(f"no waiver written for {check}: {why}")
    for id_ in waived.not_waivable:
        terminal.show(f"no waiver written for {id_}: the report gives no package and no file for this finding")


def _last_day(expires: str, today: date) -> date:
    if not expires:
        raise ConfigurationError(f"until when do the waivers apply? Name their last day with {hints.option('EXPIRES')}")
    try:
        last = date.fromisoformat(expires)
    except ValueError:
        raise ConfigurationError(
            f"{hints.option('EXPIRES', expires)}: not a date; write one such as 2027-03-31"
        ) from None
    if last < today:
        raise ConfigurationError(
            f"{hints.option('EXPIRES', expires)}: that day has passed; write the date of today or of a later day"
        )
    return last


@gate.command("inspect", cls=Command)
@make_option(
    "--tool",
    variable="TOOL",
    default="",
    help="What wrote the report: a preset, such as unit-tests, or a format, such as sarif.",
)
@click.argument("report", required=False, envvar=f"{hints.PREFIX}REPORT", type=click.Path(path_type=Path))
@JSON
def inspect(tool: str, report: Path | None, as_json: bool) -> None:
    """Show what the gate reads in a report: the report's status and each finding."""
    from dataclasses import asdict

    from cicd_templates.builds.check_presets import PRESETS
    from cicd_templates.functions.scan_gate.formats import READERS, format_of, read_report

    known = ", ".join(sorted({*READERS, *PRESETS}))
    if not tool:
        raise ConfigurationError(f"which tool wrote the report? Name it with {hints.option('TOOL')}: {known}")
    if report is None:
        raise ConfigurationError(
            f"which report? Name its file {'with REPORT=' if hints.under_make() else 'as an argument'}"
        )
    form = format_of(tool) or next((make().format for name, make in PRESETS.items() if name == tool), None)
    if form is None:
        raise ConfigurationError(f"no reader for {tool!r}; the known tools and formats are {known}")
    try:
        data = read_ordinary(report)
    except OSError as error:
        raise ConfigurationError(f"{report}: cannot be read: {error.strerror}") from None
    read = read_report(form, data)
    if as_json:
        findings = {"findings": read.findings, "suppressed": read.suppressed}
        lists = {name: [asdict(finding) for finding in listed] for name, listed in findings.items()}
        terminal.show_page(json.dumps({"status": read.status, "reason": read.reason, **lists}, indent=2))
        return
    standing = {"ok": "counts", "incomplete": "does not count, incomplete"}.get(read.status, "does not count")
    passed_over = f", {len(read.suppressed)} that the tool was configured to ignore" if read.suppressed else ""
    terminal.show(
        f"{standing}{': ' if read.reason else ''}{read.reason}, {counted(len(read.findings), 'finding')}{passed_over}"
    )
    if read.covered:
        terminal.show(f"covered: {read.covered}")
    for finding in (*read.findings, *read.suppressed):
        where = f"{finding.package} {finding.version}".strip() or f"{finding.file}:{finding.line}"
        not_stated = "" if finding.stated else f"  not stated, so the format's default applies: {finding.tool_severity}"
        terminal.show(f"  {finding.severity:<8}  {finding.id}  {where}{not_stated}")
