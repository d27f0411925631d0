"""The demo: render, lint, deploy, deploy again, write data, destroy, and list what is left.

The demo starts a local AWS for itself. It calls the same functions as the commands and prints what they do.
"""

from __future__ import annotations

import time
from pathlib import Path

from cicd_templates.cli import terminal
from cicd_templates.cli.project_layers import project_layers
from cicd_templates.cli.targets import Target, open_target, open_tools
from cicd_templates.config.environment import Configuration
from cicd_templates.config.load import read_configuration
from cicd_templates.deploy.change_sets.change_set_request import UPLOADS_OUTPUT
from cicd_templates.deploy.reporting import report
from cicd_templates.errors import CicdError
from cicd_templates.lint.run import lint_templates
from cicd_templates.local import engine_process as local_engine
from cicd_templates.local.engine_process import Engine
from cicd_templates.paths import CONFIGURATION, OUT
from cicd_templates.render import out_folder, render


def run() -> None:
    """Run the demo. Raises `CicdError` if a step fails or if a resource is left for an unknown reason."""
    began = time.monotonic()
    configuration = read_configuration(CONFIGURATION)
    rendered = render.render(configuration, project_layers(), "yaml")
    written = out_folder.write_files(out_folder.files_of(rendered, OUT), OUT)
    terminal.show(f"1. render   {len(rendered)} stacks of {len(configuration.environments)} environments into {OUT}/")
    for path in written.written:
        terminal.show(f"     wrote {OUT / path}")
    findings = lint_templates([OUT / stack.path for stack in rendered])
    if findings:
        raise CicdError("\n  ".join(["cfn-lint has findings:", *map(str, findings)]))
    terminal.show("2. lint     cfn-lint: 0 errors, warnings and informational findings")
    with local_engine.running() as engine:
        terminal.show(f"3. deploy   to a local AWS at {engine.url}, through change sets")
        targets = _open_targets(configuration, engine, OUT)
        tools = open_tools(configuration, OUT, local=True, engine=engine)
        deployed = frozenset(target.environment for target in targets)
        for target in targets:
            target.deploy(report.reporter(as_json=False), _agree, tools, confirm_others=_agree, deployed=deployed)
        terminal.show("")
        terminal.show("4. again    a second deployment must find nothing to change")
        _require_no_change(targets)
        terminal.show("")
        terminal.show("5. use      write versions of an object and delete one, where data is disposable")
        _write_objects(targets)
        terminal.show("")
        terminal.show(
            "6. destroy  list what exists and what happens to it, delete in reverse order, prove what is left"
        )
        _destroy(targets)
    terminal.show("")
    terminal.show(
        f"done in {time.monotonic() - began:.1f} s: deployed, unchanged when repeated, destroyed, all explained"
    )
    terminal.show("The local AWS is laxer than AWS: docs/local-aws.md says what this does not prove.")


def _agree(question: str) -> bool:
    return True


def _open_targets(configuration: Configuration, engine: Engine, folder: Path) -> list[Target]:
    return [
        open_target(environment, folder, layer=None, service=None, local=True, engine=engine)
        for environment in configuration.deploy_order
    ]


def _require_no_change(targets: list[Target]) -> None:
    for target in targets:
        planned = target.plan(report.reporter(as_json=False), None)
        if planned is None or not planned.empty:
            raise CicdError(f"{target.environment}: a second deployment would change something")


def _write_objects(targets: list[Target]) -> None:
    """Write several versions of an object, so that CloudFormation alone could not delete the bucket."""
    for target in targets:
        if not target.stacks[0].protected:
            path = f"{target.stacks[0].parameter_root}storage/{UPLOADS_OUTPUT}"
            bucket = target.clients.ssm.get_parameter(Name=path)["Parameter"]["Value"]
            for version in (b"first", b"second", b"third"):
                target.clients.s3.put_object(Bucket=bucket, Key="templates/example", Body=version)
            target.clients.s3.delete_object(Bucket=bucket, Key="templates/example")


def _destroy(targets: list[Target]) -> None:
    reporter = report.reporter(as_json=False)
    for target in reversed(targets):
        reporter.report(target.heading("Destroying"))
        inventory = target.inventory()
        target.refuse_destruction(inventory)
        reporter.report(report.Inventoried(target.environment, inventory.items))
        if any(not remainder.explained for remainder in target.destroy(reporter, inventory)):
            raise CicdError(f"{target.environment}: resources are left for an unknown reason")
