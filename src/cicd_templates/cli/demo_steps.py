"""Runs the demo: render, lint, deploy, deploy again, write data, destroy, and list what is left.

The demo starts a local AWS for itself, and calls the same functions as the commands. The terminal shows a summary that
fits into 80 columns and 24 lines. A file contains all events.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from cicd_templates.cli import terminal
from cicd_templates.cli.demo_report import DemoReporter
from cicd_templates.cli.open_target import open_target
from cicd_templates.cli.project_layers import project_layers
from cicd_templates.cli.targets import Target
from cicd_templates.cli.templates_handover import open_tools
from cicd_templates.config.environment import Configuration
from cicd_templates.config.load import read_configuration
from cicd_templates.deploy.change_sets.change_set_request import UPLOADS_OUTPUT
from cicd_templates.deploy.reporting import report
from cicd_templates.errors import CicdError
from cicd_templates.files.paths import CONFIGURATION, STATE, rendered_folder
from cicd_templates.files.private_files import write_privately
from cicd_templates.lint.run import lint_templates
from cicd_templates.local import engine_process as local_engine
from cicd_templates.local.engine_process import Engine
from cicd_templates.plurals import counted
from cicd_templates.render import out_folder, render
from cicd_templates.template.checksums import source_digest

LOG = STATE / "demo.txt"


def run() -> None:
    """Run the demo, show a summary, and write every event to a file.

    Raises `CicdError` if a step fails, or if resources are left for an unknown reason.
    """
    folder, reporter = rendered_folder(None), DemoReporter()
    try:
        _run(reporter, folder, time.monotonic())
    finally:
        write_privately(LOG, reporter.text)
        terminal.show(f"Every stack, change and leftover resource is listed in {LOG}.")
    terminal.show("The local AWS is less strict than AWS; docs/local-aws.md lists differences.")
    terminal.show("Next: docs/make-it-yours.md. `make` lists the daily commands.")


def _run(reporter: DemoReporter, out: Path, began: float) -> None:
    configuration = read_configuration(CONFIGURATION)
    with terminal.working("rendering"):
        rendered = render.render(configuration, project_layers(), "yaml")
        written = out_folder.write_files(out_folder.files_of(rendered, out, sources=source_digest()), out)
    environments = counted(len(configuration.environments), "environment")
    terminal.show(f"1. render   {counted(len(rendered), 'stack')} of {environments} into {out}/")
    for path in written.written:
        reporter.note(f"wrote {out / path}")
    with terminal.working(f"cfn-lint and our rules check {len(rendered)} templates, in about half a minute"):
        findings = lint_templates([out / stack.path for stack in rendered])
    if findings:
        raise CicdError("\n  ".join(["cfn-lint has findings:", *map(str, findings)]))
    terminal.show("2. lint     cfn-lint: no findings of any severity")
    with contextlib.ExitStack() as stack:
        with terminal.working("starting the local AWS"):
            engine = stack.enter_context(local_engine.running())
        terminal.show(f"3. deploy   through change sets, to a local AWS at {engine.url}")
        targets = _open_targets(configuration, engine, out)
        tools = open_tools(configuration, out, local=True, engine=engine)
        deployed = frozenset(target.environment for target in targets)
        for target in targets:
            with _summarized(reporter, target):
                target.deploy(reporter, _agree, tools, confirm_others=_agree, deployed=deployed)
        _require_no_change(reporter, targets)
        terminal.show("4. again    a second deployment would change nothing")
        terminal.show(f"5. use      {_write_objects(targets)}")
        terminal.show("6. destroy  in reverse order; leftover resources are listed with reasons")
        for target in reversed(targets):
            with _summarized(reporter, target):
                _destroy(reporter, target)
    terminal.show("")
    terminal.show(
        f"done in {time.monotonic() - began:.1f} s: deployed all stacks, found no further change, destroyed them"
    )


@contextlib.contextmanager
def _summarized(reporter: DemoReporter, target: Target) -> Iterator[None]:
    """During the `with` block, show which stack of `target` is being deployed or destroyed.

    If the block succeeds, show a line with the result.
    """
    with terminal.working(target.environment) as update:
        reporter.begin(lambda stack: update(f"{target.environment}: {stack}"))
        yield
    terminal.show(reporter.summary(target.environment))


def _agree(question: str) -> bool:
    return True


def _open_targets(configuration: Configuration, engine: Engine, folder: Path) -> list[Target]:
    return [
        open_target(environment, folder, layer=None, service=None, local=True, engine=engine)
        for environment in configuration.deploy_order
    ]


def _require_no_change(reporter: DemoReporter, targets: list[Target]) -> None:
    for target in targets:
        with terminal.working(f"planning {target.environment} again"):
            planned = target.plan(reporter, None)
        if planned is None or not planned.empty:
            raise CicdError(f"{target.environment}: deploying the same templates again would change the environment")


def _write_objects(targets: list[Target]) -> str:
    """Write versions of an object to a bucket of each disposable environment. Return a sentence for the summary.

    CloudFormation cannot delete a bucket with objects, so the destruction must empty these buckets first.
    """
    disposable = [target for target in targets if not target.stacks[0].protected]
    for target in disposable:
        path = f"{target.stacks[0].parameter_root}storage/{UPLOADS_OUTPUT}"
        bucket = target.clients.ssm.get_parameter(Name=path)["Parameter"]["Value"]
        for version in (b"first", b"second", b"third"):
            target.clients.s3.put_object(Bucket=bucket, Key="templates/example", Body=version)
        target.clients.s3.delete_object(Bucket=bucket, Key="templates/example")
    names = ", ".join(target.environment for target in disposable) or "no environment: all are protected"
    return f"wrote and deleted versions of an object in {names}"


def _destroy(reporter: DemoReporter, target: Target) -> None:
    reporter.report(target.heading("Destroying"))
    inventory = target.inventory()
    target.refuse_destruction(inventory)
    reporter.report(report.Inventoried(target.environment, inventory.items))
    if any(not remainder.explained for remainder in target.destroy(reporter, inventory)):
        raise CicdError(f"{target.environment}: resources are left for an unknown reason")
