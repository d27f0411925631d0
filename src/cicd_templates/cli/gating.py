"""Verb `gate`: the pipeline's decision, on this machine."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import click

from cicd_templates.cli import selection
from cicd_templates.cli.command import JSON, SERVICE, Command, Group, main
from cicd_templates.errors import ConfigurationError


@main.group("gate", cls=Group, invoke_without_command=True)
@click.option("--reports", type=click.Path(path_type=Path), help="Folder of the reports, as the checks write them.")
@SERVICE
@click.option("--source-version", help="Version of the source that every report has to be of.")
@click.option("--policy", type=click.Path(path_type=Path), help="Policy of the application, as TOML.")
@JSON
@click.pass_context
def gate(
    ctx: click.Context,
    reports: Path | None,
    service: str | None,
    source_version: str | None,
    policy: Path | None,
    as_json: bool,
) -> None:
    """Judge the reports of a service's checks on this machine; exit 1 where a release may not go on."""
    if ctx.invoked_subcommand:
        return
    if reports is None:
        raise ConfigurationError("which reports? Name their folder with REPORTS= (--reports)")
    from cicd_templates import gate as judging
    from cicd_templates.builds.presets import checks_of
    from cicd_templates.functions.scan_gate.findings import as_json as findings
    from cicd_templates.functions.scan_gate.summary import summary

    of = selection.only_service(selection.environment(None, None), service)
    checks = {check.name: check.format for check in checks_of(of)}
    decision = judging.judge(reports, checks, policy, source_version, date.today())
    click.echo(json.dumps(findings(decision), indent=2) if as_json else summary(decision).rstrip())
    if decision.verdict != "PASS":
        ctx.exit(1)


@gate.command("waive", cls=Command)
@click.option("--reports", required=True, type=click.Path(path_type=Path), help="Folder of the reports.")
@SERVICE
@click.option("--policy", type=click.Path(path_type=Path), default="scan-policy.toml", help="Policy to add to.")
@click.option("--all-current", is_flag=True, help="Accept each finding that stops the release now.")
@click.option("--expires", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Last day of the waivers.")
@click.option("--owner", required=True, help="Who answers for them.")
@click.option("--reason", default="there before the gate was", help="Why they are accepted.")
def waive(
    reports: Path, service: str | None, policy: Path, all_current: bool, expires: datetime, owner: str, reason: str
) -> None:
    """Write waivers for what stops a legacy application now; each ends on a day and has an owner."""
    from cicd_templates import gate as judging
    from cicd_templates.builds.presets import checks_of

    today = date.today()
    if not all_current:
        raise ConfigurationError("which findings? --all-current accepts each that stops the release now")
    if expires.date() < today:
        raise ConfigurationError(f"--expires {expires.date()} is over; name the last day on which the waivers hold")
    of = selection.only_service(selection.environment(None, None), service)
    checks = {check.name: check.format for check in checks_of(of)}
    decision = judging.judge(reports, checks, policy if policy.exists() else None, None, today)
    waived = judging.waive(decision, policy, checks, expires.date(), owner, reason)
    click.echo(f"{policy}: {waived.written} waivers added, of {owner} until {expires.date()}")
    for check, why in decision.broken.items():
        click.echo(f"no waiver covers {check}: {why}")
    for id_ in waived.left:
        click.echo(f"no waiver covers {id_}: its report names neither package nor file")


@gate.command("inspect", cls=Command)
@click.option("--tool", required=True, help="Format of the report: bandit, safety, snyk, sarif, junit, ...")
@click.argument("report", type=click.Path(path_type=Path))
@JSON
def inspect(tool: str, report: Path, as_json: bool) -> None:
    """Show what the gate reads in a report: its status, and each finding."""
    from dataclasses import asdict

    from cicd_templates.functions.scan_gate.formats import READERS, format_of, read_report

    form = format_of(tool)
    if form is None:
        raise ConfigurationError(f"no reader for {tool!r}; there are {', '.join(READERS)}")
    try:
        data = report.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{report}: cannot be read: {error.strerror}") from None
    read = read_report(form, data)
    if as_json:
        lists = {"findings": read.findings, "suppressed": read.suppressed}
        found = {name: [asdict(each) for each in listed] for name, listed in lists.items()}
        click.echo(json.dumps({"status": read.status, "reason": read.reason, **found}, indent=2))
        return
    passed_over = f", {len(read.suppressed)} that the tool was told to pass over" if read.suppressed else ""
    click.echo(f"{read.status}{': ' if read.reason else ''}{read.reason}, {len(read.findings)} findings{passed_over}")
    for each in (*read.findings, *read.suppressed):
        where = f"{each.package} {each.version}".strip() or f"{each.file}:{each.line}"
        click.echo(f"  {each.severity:<8}  {each.id}  {where}")
