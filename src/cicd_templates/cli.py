"""The command line: one click command a verb. The only place that prints results, asks and decides exit codes.

Every command imports what it needs when it runs, so that rendering loads neither boto3 nor rich and the deployer loads
no layer.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.project import CONFIGURATION, CONFIGURATION_DOC, layers, rendered_folder

if TYPE_CHECKING:
    from cicd_templates.deploy.handover import Tools
    from cicd_templates.environment import Configuration, Environment, Service
    from cicd_templates.targets import Target

CHANGES_PRESENT = 4
LOCAL_START_SECONDS = 10.0


class _Command(click.Command):
    """Turns expected errors into one line and their exit code; tracebacks are for bugs."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CicdError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        except Exception as error:
            if type(error).__module__.split(".")[0] != "botocore":
                raise
            from cicd_templates.deploy.clients import explained

            click.echo(f"error: {explained(error)}", err=True)
            ctx.exit(CicdError.exit_code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A complete, audited CI/CD pipeline on AWS in plain CloudFormation."""


def _verb(name: str, *options: Callable[[Any], Any]) -> Callable[[Callable[..., None]], click.Command]:
    def decorate(function: Callable[..., None]) -> click.Command:
        decorated = functools.reduce(lambda inner, option: option(inner), reversed(options), function)
        return main.command(name, cls=_Command)(decorated)

    return decorate


_suffix = click.option("--suffix", help="Work on the parallel copy of this name, rendered into build/.")
_env = click.option("--env", "env", help="Environment, or `all`: the runtime environments, then tools.")
_layer = click.option("--layer", help="This layer only.")
_service = click.option("--service", help="This service only.")
_local = click.option("--local", is_flag=True, help="Use the local AWS that `make local` started; never AWS itself.")
_yes = click.option("--yes", is_flag=True, help="Execute without asking.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
_TARGET = (_env, _suffix, _layer, _service, _local)


@main.command(cls=_Command)
@click.option("--env", "env", help="This environment only.")
@click.option("--format", "form", type=click.Choice(("yaml", "json")), default="yaml", show_default=True)
@click.option("--check", is_flag=True, help="Compare with what is there instead of writing; exit 1 on a difference.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder; default out/, or build/ for a copy.",
)
@_suffix
def render(env: str | None, form: str, check: bool, out: Path | None, suffix: str | None) -> None:
    """Render every layer for every environment."""
    # Rendering makes many objects and no cycles worth collecting; collecting them costs a third of its time, and
    # looking through them once more at the interpreter's end another tenth.
    import atexit
    import gc

    gc.disable()
    atexit.register(gc.freeze)
    from cicd_templates import output, stacks
    from cicd_templates.loading import read_configuration

    configuration = read_configuration(CONFIGURATION, suffix=suffix)
    _require_environment(configuration, env)
    folder = out or rendered_folder(suffix)
    rendered = stacks.render(configuration, layers(), form)  # type: ignore[arg-type] # click checked the choice
    files = output.files_of(rendered, folder, env)
    if check:
        difference = output.differences(files, folder)
        for line in difference:
            click.echo(line)
        if difference:
            raise CicdError(f"{folder}/ is not what the templates render now; run `make render` and review its diff")
        click.echo(f"{folder}/ is up to date: {len(rendered)} stacks")
        return
    written = output.write(files, folder)
    for path in written.written:
        click.echo(f"  wrote    {folder / path}")
    for path in written.deleted:
        click.echo(f"  deleted  {folder / path}")
    for path in written.kept:
        click.echo(f"  kept     {folder / path}, which is not ours")
    click.echo(f"rendered {len(rendered)} stacks into {folder}/, {written.unchanged} of {len(files)} files unchanged")


def _require_environment(configuration: Configuration, env: str | None) -> None:
    if env is not None and configuration.environment(env) is None:
        known = ", ".join(environment.name for environment in configuration.environments)
        raise ConfigurationError(f"no environment {env!r}; {CONFIGURATION} has {known}")


@_verb("lint", _suffix)
def lint(suffix: str | None) -> None:
    """Lint the rendered templates with cfn-lint; any finding fails."""
    from cicd_templates.linting import lint_templates

    folder = rendered_folder(suffix)
    paths = sorted(path for form in ("yaml", "json") for path in folder.glob(f"*/*.{form}"))
    findings = lint_templates(paths)
    for finding in findings:
        click.echo(finding)
    if findings:
        raise CicdError(f"cfn-lint: {len(findings)} findings in {len(paths)} templates")
    click.echo(f"cfn-lint: 0 errors, warnings and informational findings in {len(paths)} templates")


@_verb(
    "plan",
    *_TARGET,
    _json,
    click.option("--detailed-exitcode", is_flag=True, help="Exit 4 where there are changes."),
)
def plan(as_json: bool, detailed_exitcode: bool, **target: Any) -> None:
    """Show the change sets of the stacks whose inputs exist, and discard them."""
    from cicd_templates.deploy import deployment, report

    reporter = report.reporter(as_json=as_json)
    changing = False
    for each in _targets(**target):
        reporter.report(each.heading("Plan of"))
        changing |= deployment.plan(each.clients, each.chosen, each.patience, reporter)
    if changing and detailed_exitcode:
        raise click.exceptions.Exit(CHANGES_PRESENT)


@_verb("deploy", *_TARGET, _yes, _json)
def deploy(as_json: bool, yes: bool, **target: Any) -> None:
    """Deploy through change sets, stack by stack, each shown before it is executed."""
    from cicd_templates.deploy import report

    reporter = report.reporter(as_json=as_json)
    chosen = _targets(**target)
    tools = _tools(target["suffix"], target["local"])
    for each in chosen:
        each.deploy(reporter, _confirmation(yes), tools)


def _confirmation(yes: bool) -> Callable[[str], bool]:
    if yes:
        return lambda question: True
    if not sys.stdin.isatty():
        raise ConfigurationError("nobody is here to ask; add YES=1 (--yes) to execute what is shown")
    return lambda question: click.confirm(f"  {question}", default=False)


@_verb("outputs", *_TARGET, _json)
def outputs(as_json: bool, **target: Any) -> None:
    """Show what the deployed stacks give out."""
    from cicd_templates.deploy import overview

    found = {
        each.environment: overview.outputs(each.clients, each.chosen) for each in _targets(default="all", **target)
    }
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    width = max((len(name) for stacks in found.values() for values in stacks.values() for name in values), default=0)
    for environment, stacks in found.items():
        click.echo(environment if stacks else f"{environment}: nothing is deployed")
        for stack, values in stacks.items():
            click.echo(f"  {stack}")
            for name, value in values.items():
                click.echo(f"    {name:<{width}}  {value}")


@_verb("status", *_TARGET, _json)
def status(as_json: bool, **target: Any) -> None:
    """Show the state of every stack."""
    from dataclasses import asdict

    from cicd_templates.deploy import overview

    found = {
        each.environment: overview.status_rows(each.clients, each.chosen) for each in _targets(default="all", **target)
    }
    if as_json:
        click.echo(json.dumps({name: [asdict(row) for row in rows] for name, rows in found.items()}, indent=2))
        return
    width = max(len(row.stack) for rows in found.values() for row in rows)
    for environment, rows in found.items():
        click.echo(environment)
        for row in rows:
            click.echo(f"  {row.stack:<{width}}  {row.status:<24}  {row.changed}".rstrip())


@_verb(
    "destroy",
    *_TARGET,
    _yes,
    _json,
    click.option("--allow", default="", help="Protected environments that may be destroyed, by name, with commas."),
)
def destroy(as_json: bool, yes: bool, allow: str, **target: Any) -> None:
    """Take environments down and list what is left and why; exit 1 where something is left unexplained."""
    from cicd_templates.deploy import destroy as destruction
    from cicd_templates.deploy import report

    chosen = _targets(**target)[::-1]
    for each in chosen:
        destruction.refuse_protected(each.stacks, each.environment if each.environment in allow.split(",") else None)
    reporter = report.reporter(as_json=as_json)
    confirm = _confirmation(yes)
    unexplained = 0
    for each in chosen:
        reporter.report(each.heading("Destroying"))
        if not confirm(f"Delete the stacks of {each.environment} in account {each.account}?"):
            raise CicdError(f"{each.environment}: declined, nothing was deleted")
        unexplained += sum(not remainder.explained for remainder in each.destroy(reporter))
    if unexplained:
        raise CicdError(f"{unexplained} resources are left unexplained; they are listed above")


@_verb("doctor", *_TARGET, _json)
def doctor(as_json: bool, **target: Any) -> None:
    """Look at what would make a first deployment fail; exit 1 where something would."""
    from dataclasses import asdict

    from cicd_templates.deploy import doctor as examination

    found = {
        each.environment: list(examination.checks(each.clients, each.stacks))
        for each in _targets(checked=False, **target)
    }
    if as_json:
        click.echo(json.dumps({name: [asdict(check) for check in rows] for name, rows in found.items()}, indent=2))
    else:
        for environment, rows in found.items():
            click.echo(environment)
            for check in rows:
                click.echo(f"  {'fix' if check.fix else 'ok ':<4} {check.subject}: {check.finding}")
                if check.fix:
                    click.echo(f"       {check.fix}")
    if bad := sum(bool(check.fix) for rows in found.values() for check in rows):
        raise CicdError(f"{bad} to fix before deploying")


def _targets(
    *,
    env: str | None,
    suffix: str | None,
    layer: str | None,
    service: str | None,
    local: bool,
    default: str | None = None,
    checked: bool = True,
) -> list[Target]:
    """The environments that a verb works on, in the order of a deployment; `checked` for the account first of all."""
    from cicd_templates.loading import read_configuration
    from cicd_templates.targets import open_target

    configuration = read_configuration(CONFIGURATION, suffix=suffix)
    names = [environment.name for environment in configuration.environments]
    asked = env or default
    if asked is None:
        raise ConfigurationError(f"which environment? Name one with ENV= (--env): {', '.join(names)}, or all")
    if asked != "all":
        _require_environment(configuration, asked)
    folder = rendered_folder(suffix)
    return [
        open_target(environment, folder, layer=layer, service=service, local=local, checked=checked)
        for environment in configuration.deploy_order
        if asked in ("all", environment.name)
    ]


def _tools(suffix: str | None, local: bool) -> Tools:
    from cicd_templates.loading import read_configuration
    from cicd_templates.targets import open_tools

    return open_tools(read_configuration(CONFIGURATION, suffix=suffix), rendered_folder(suffix), local=local)


@_verb(
    "release",
    _suffix,
    _service,
    _local,
    click.option("--app", default="", help="Git work tree, folder or .zip file."),
    click.option("--wait", is_flag=True, help="Follow the run to its end; exit 1 where it does not succeed."),
)
def release(app: str, wait: bool, service: str | None, suffix: str | None, local: bool) -> None:
    """Put a release of a service into the source bucket, which starts a run of its pipeline."""
    from cicd_templates.deploy import archives
    from cicd_templates.deploy import release as releasing
    from cicd_templates.deploy.waiting import Patience

    if not app:
        raise ConfigurationError("which source? Name a git work tree, a folder or a .zip file with APP= (--app)")
    tools = _tools(suffix, local)
    of = _only_service(tools.environment, service)
    if of.settings.source == "github":
        raise ConfigurationError(f"{of.name} is released from GitHub; push to {of.settings.github.branch} instead")
    archive = archives.source_archive(Path(app), of.settings.path)
    bucket = tools.value("storage", "SourceBucketName")
    pipeline = tools.value("pipeline", "PipelineName", of.name)
    if bucket is None or pipeline is None:
        raise CicdError(f"{of.name} has no pipeline yet; deploy it first: make deploy ENV={tools.environment.name}")
    version = releasing.put(tools.clients, bucket, of.release_key, archive)
    click.echo(f"released {of.name} {archive.revision} by {archive.author}")
    click.echo(f"  source   s3://{bucket}/{of.release_key}, {len(archive.data):,} bytes")
    click.echo(f"  version  {version}")
    if local:
        _show_local_start(tools.environment.account, version)
        return
    execution = releasing.started(tools.clients, pipeline, version, Patience())
    click.echo(f"  run      {execution} of {pipeline}")
    if wait:
        releasing.follow(tools.clients, pipeline, execution, Patience(), lambda line: click.echo(f"  {line}"))
        click.echo(f"{of.name}: the release is where its path ends")


def _environment(name: str | None, suffix: str | None) -> Environment:
    """The environment of that name, or the tools environment."""
    from cicd_templates.loading import read_configuration

    configuration = read_configuration(CONFIGURATION, suffix=suffix)
    _require_environment(configuration, name)
    return next(each for each in configuration.environments if name == each.name or (not name and each.kind == "tools"))


def _only_service(environment: Environment, name: str | None) -> Service:
    """The service of that name, or the only one there is."""
    known = [service.name for service in environment.services]
    if name is None and len(known) > 1:
        raise ConfigurationError(f"which service? Name one with SERVICE= (--service): {', '.join(known)}")
    for service in environment.services:
        if name in (None, service.name):
            return service
    raise ConfigurationError(f"no service {name!r}; {CONFIGURATION} has {', '.join(known) or 'none'}")


def _show_local_start(account: str, version: str) -> None:
    """What EventBridge asked of CodePipeline, which the local AWS has not got."""
    from cicd_templates.deploy.waiting import Patience
    from cicd_templates.local import state
    from cicd_templates.targets import LOCAL_POLL_SECONDS

    record = state.required().record
    found: list[dict[str, Any]] = []

    def begun() -> bool:
        found.extend(start for start in record.starts(account) if version in json.dumps(start["request"]))
        return bool(found)

    Patience(poll_seconds=LOCAL_POLL_SECONDS).until(begun, f"the start for version {version}", LOCAL_START_SECONDS)
    click.echo(f"  run      {found[0]['execution']}, only recorded: the local AWS has no CodePipeline")
    click.echo(f"  request  {json.dumps(found[0]['request'])}")


@_verb(
    "secret",
    _env,
    _suffix,
    _service,
    _local,
    click.option("--name", default="", help="The secret's name, as a check names it."),
)
def secret(name: str, env: str | None, service: str | None, suffix: str | None, local: bool) -> None:
    """Set a secret of a service from a prompt or standard input."""
    from cicd_templates.builds.presets import checks_of
    from cicd_templates.deploy import secrets
    from cicd_templates.naming import physical_name

    environment = _environment(env, suffix)
    of = _only_service(environment, service)
    known = sorted({each for check in checks_of(of) for each in check.secrets.values()})
    if name not in known:
        raise ConfigurationError(f"no check of {of.name} has a secret {name!r}; NAME= is one of: {', '.join(known)}")
    (target,) = _targets(env=environment.name, suffix=suffix, layer=None, service=None, local=local)
    full_name = physical_name(environment, "AWS::SecretsManager::Secret", of.name, name)
    value = secrets.read_value(sys.stdin)
    version = secrets.set_secret(target.clients, full_name, value)
    click.echo(f"set {full_name}, version {version}")


class _Group(_Command, click.Group):
    """A command with commands of its own, and the same errors."""


@main.group("gate", cls=_Group, invoke_without_command=True)
@click.option("--reports", type=click.Path(path_type=Path), help="Folder of the reports, as the checks write them.")
@_service
@click.option("--source-version", help="Version of the source that every report has to be of.")
@click.option("--policy", type=click.Path(path_type=Path), help="Policy of the application, as TOML.")
@_json
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

    of = _only_service(_environment(None, None), service)
    checks = {check.name: check.format for check in checks_of(of)}
    decision = judging.judge(reports, checks, policy, source_version, date.today())
    click.echo(json.dumps(findings(decision), indent=2) if as_json else summary(decision).rstrip())
    if decision.verdict != "PASS":
        ctx.exit(1)


@gate.command("waive", cls=_Command)
@click.option("--reports", required=True, type=click.Path(path_type=Path), help="Folder of the reports.")
@_service
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
    of = _only_service(_environment(None, None), service)
    checks = {check.name: check.format for check in checks_of(of)}
    decision = judging.judge(reports, checks, policy if policy.exists() else None, None, today)
    waived = judging.waive(decision, policy, checks, expires.date(), owner, reason)
    click.echo(f"{policy}: {waived.written} waivers added, of {owner} until {expires.date()}")
    for check, why in decision.broken.items():
        click.echo(f"no waiver covers {check}: {why}")
    for id_ in waived.left:
        click.echo(f"no waiver covers {id_}: its report names neither package nor file")


@gate.command("inspect", cls=_Command)
@click.option("--tool", required=True, help="Format of the report: bandit, safety, snyk, sarif, junit, ...")
@click.argument("report", type=click.Path(path_type=Path))
@_json
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
        found = {"status": read.status, "reason": read.reason, "findings": [asdict(each) for each in read.findings]}
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{read.status}{': ' if read.reason else ''}{read.reason}, {len(read.findings)} findings")
    for each in read.findings:
        where = f"{each.package} {each.version}".strip() or f"{each.file}:{each.line}"
        click.echo(f"  {each.severity:<8}  {each.id}  {where}")


@_verb("local")
def local() -> None:
    """Start the local AWS; LOCAL=1 then points any verb at it."""
    from cicd_templates.local import engine, state

    running = state.recall()
    if running is not None:
        click.echo(f"the local AWS is running already at {running.url} (process {running.pid})")
        return
    started = engine.start()
    state.remember(started)
    click.echo(f"the local AWS is running at {started.url} (process {started.pid}); stop it with `make local-stop`")


@_verb("local-stop")
def local_stop() -> None:
    """Stop the local AWS."""
    from cicd_templates.local import engine, state

    running = state.recall()
    state.forget()
    if running is None:
        click.echo("no local AWS is running")
        return
    engine.stop(running)
    click.echo(f"stopped the local AWS (process {running.pid})")


@_verb("demo")
def demo() -> None:
    """Render, lint, deploy and destroy all environments on a local AWS of its own."""
    from cicd_templates.demo import run

    run()


@_verb("docs", click.option("--check", is_flag=True, help="Compare instead of writing; exit 1 on a difference."))
def docs(check: bool) -> None:
    """Write docs/configuration.md from the configuration's models."""
    from cicd_templates.documentation import configuration_reference

    text = configuration_reference()
    if not check:
        CONFIGURATION_DOC.write_text(text, encoding="utf-8")
        click.echo(f"wrote {CONFIGURATION_DOC}")
    elif not CONFIGURATION_DOC.exists() or CONFIGURATION_DOC.read_text(encoding="utf-8") != text:
        raise CicdError(f"{CONFIGURATION_DOC} is not what the models say now; run `make fmt` and review its diff")
    else:
        click.echo(f"{CONFIGURATION_DOC} is up to date")
