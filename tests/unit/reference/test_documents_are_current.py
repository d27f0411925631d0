"""Generated documents are current, and every target, command and file that the documents name exists."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from pydantic import Field

from cicd_templates.cli import main
from cicd_templates.config.tables.table import Table
from cicd_templates.layer.user_layers import with_user_layers
from cicd_templates.lint.run import lint_templates
from cicd_templates.reference.configuration import DOCUMENTED_TABLES, configuration_reference
from cicd_templates.render.render import render
from tests.conftest import PROJECT, ROOT, configured, own_package

COMMANDS = (ROOT / "docs/commands.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
DOCS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/**/*.md"))
TARGETS = re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE)


def test_the_configuration_reference_is_current() -> None:
    assert (ROOT / "docs/configuration.md").read_text() == configuration_reference()


def test_every_decision_has_the_next_number_in_its_name_and_its_heading() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))

    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for number, page in enumerate(pages, 1):
        assert page.read_text().startswith(f"# {number}. "), page.name


def test_every_key_has_a_description() -> None:
    for table in DOCUMENTED_TABLES:
        for name, field in table.model_fields.items():
            assert field.description, f"{table.__name__}.{name}"


def test_every_kind_of_type_and_default_is_spelled() -> None:
    reference = configuration_reference()

    for row in (
        "| `account` | string | required |",
        "| `zones` | list of string | empty |",
        "| `provided` | table of string | empty |",
        "| `cpu` | `256`, `512`, `1024`, `2048`, `4096` | `256` |",
        "| `allow_http` | true or false | `false` |",
        "| `certificate_arn` | string | none |",
        '| `path` | list of string | `["staging", "production"]` |',
        "| `health_check` | table | empty |",
    ):
        assert row in reference


def test_a_pipe_in_a_description_does_not_break_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(Table):
        """`[odd]`: with a pipe."""

        key: int = Field(description="a | b")

    monkeypatch.setattr("cicd_templates.reference.configuration.DOCUMENTED_TABLES", (Odd,))
    assert "| `key` | number | required | a \\| b |" in configuration_reference()


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_is_in_the_page_of_commands(target: str) -> None:
    assert re.search(rf"make( \w+=\S+)* {target}(?![\w-])", COMMANDS), target


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 700


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text()

    assert [path.name for path in ROOT.glob("docs/*.md") if f"({path.name})" not in index] == ["README.md"]


@pytest.mark.parametrize("path", DOCS, ids=[str(path.relative_to(ROOT)) for path in DOCS])
def test_a_link_to_a_file_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)[^)]*\)", path.read_text())

    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCS, ids=[str(path.relative_to(ROOT)) for path in DOCS])
def test_a_file_of_the_project_that_a_document_names_exists(path: Path) -> None:
    # The user creates the folder of the own layers.
    files = re.findall(r"\b((?:src|tests)/[\w/.-]+\.\w+|templates/(?!extra/)[\w/-]+\.\w+)", path.read_text())

    assert [file for file in files if not (ROOT / file).exists()] == []


def test_every_variable_of_a_daily_target_is_in_the_page_of_commands() -> None:
    takes = dict(re.findall(r"^([a-z-]+)\.takes := (.*)$", MAKEFILE, re.MULTILINE))
    variables = set(" ".join(takes.values()).split()) - {"$(STACKS)", "$(lint.takes)"}

    assert [name for name in sorted(variables) if not re.search(rf"\b{name}\b", COMMANDS)] == []


@pytest.mark.parametrize("name", main.list_commands(click.Context(main)))
def test_every_command_has_a_target_and_a_help_line(name: str) -> None:
    command = main.get_command(click.Context(main), name)

    assert command
    assert command.help
    assert re.search(rf"\$\(RUN\) {name}\b", MAKEFILE), name


@pytest.mark.parametrize("path", DOCS, ids=[path.name for path in DOCS])
def test_what_a_document_tells_to_type_exists(path: Path) -> None:
    text = path.read_text()
    named = set(re.findall(r"(?:^|`|\$ )make (?:[A-Z_]+=\S+ )*([a-z][a-z-]+)", text, re.MULTILINE))

    assert named <= set(TARGETS), named - set(TARGETS)


def test_every_option_of_a_command_has_a_help_text() -> None:
    for name in main.list_commands(click.Context(main)):
        for option in main.commands[name].params:
            if isinstance(option, click.Argument):
                assert f"`make {name} {str(option.name).upper()}=" in COMMANDS, f"{name} {option.name}"
                continue
            assert isinstance(option, click.Option)
            assert option.help or option.name == "form", f"{name} {option.name}"


def test_daily_help_shows_at_most_ten_targets() -> None:
    daily = MAKEFILE.partition("##@ Daily")[2].partition("##@")[0]

    assert 5 < len(re.findall(r"^[a-z-]+:.*## ", daily, re.MULTILINE)) <= 10


@pytest.mark.parametrize("target", ["help", "help-all"])
def test_the_help_fits_a_terminal(target: str) -> None:
    output = subprocess.run(["make", "-s", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert [line for line in output.splitlines() if len(line) > 80] == []


def test_lint_and_fmt_read_all_code_of_the_tool_and_no_application_beside_it() -> None:
    lists = re.findall(r"^CODE := (.*)$", MAKEFILE, re.MULTILINE)
    commands = re.findall(r"bin/ruff [^&;\n]*", MAKEFILE)
    tracked = subprocess.run(
        ["git", "ls-files", "--", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert len(commands) == 4
    assert [command for command in commands if "$(CODE)" not in command] == []
    assert {path.partition("/")[0] for path in tracked} - {"apps"} == set(lists[0].split())


@pytest.mark.no_cover
def test_the_documented_layer_renders_and_lints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "docs/own-layers.md").read_text(), re.DOTALL)
    package = own_package(tmp_path, monkeypatch, inbox=code)
    stacks = render(configured(), with_user_layers(package), "yaml")
    path = tmp_path / "inbox.yaml"
    (text,) = [stack.text for stack in stacks if stack.name == "shipping-staging-inbox"]
    path.write_text(text)

    assert lint_templates([path]) == []
    for check in (["check", "--quiet"], ["format", "--check", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *check, "--stdin-filename", "templates/extra/inbox.py", "-"]
        answer = subprocess.run(command, input=code, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (answer.returncode, answer.stdout) == (0, "")
    assert "QueueName: shipping-staging-inbox" in text
    assert len([line for line in code.splitlines() if line]) <= 25
    assert (ROOT / "examples/own-layer/inbox.py").read_text() == code


@pytest.mark.no_cover
def test_the_documented_layer_with_an_offer_of_its_own_renders_and_lints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, code, _ = re.findall(r"```python\n(.*?)```", (ROOT / "docs/own-layers.md").read_text(), re.DOTALL)
    package = own_package(tmp_path, monkeypatch, rates=code)
    edited = configured(("services/parcel-dispatcher/uses", {"rates": "publish"}))
    stacks = {stack.name: stack for stack in render(edited, with_user_layers(package), "yaml")}
    paths = []
    for name in ("shipping-staging-rates", "shipping-staging-service-parcel-dispatcher"):
        paths.append(tmp_path / f"{name}.yaml")
        paths[-1].write_text(stacks[name].text)
    resources = stacks["shipping-staging-service-parcel-dispatcher"].template.content["Resources"]

    assert lint_templates(paths) == []
    (container,) = resources["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    assert {"Name": "RATES_TOPIC_ARN", "Value": {"Ref": "RatesTopicArn"}} in container["Environment"]
    (policy,) = resources["TaskRole"]["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    assert [statement["Action"] for statement in statements if statement["Sid"].endswith("Rates")] == [
        ["sns:Publish"],
        ["kms:Decrypt", "kms:GenerateDataKey"],
    ]
    command = [sys.executable, "-m", "ruff", "check", "--quiet", "--stdin-filename", "templates/extra/rates.py", "-"]
    answer = subprocess.run(command, input=code, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (0, "")


@pytest.mark.no_cover
def test_the_documented_layer_with_a_bucket_renders_and_lints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    *_, code = re.findall(r"```python\n(.*?)```", (ROOT / "docs/own-layers.md").read_text(), re.DOTALL)
    package = own_package(tmp_path, monkeypatch, exports=code)
    edited = configured(("services/parcel-dispatcher/uses", {"exports": "put"}))
    stacks = {stack.name: stack for stack in render(edited, with_user_layers(package), "yaml")}
    paths = []
    for name in ("shipping-staging-exports", "shipping-staging-service-parcel-dispatcher"):
        paths.append(tmp_path / f"{name}.yaml")
        paths[-1].write_text(stacks[name].text)
    bucket = stacks["shipping-staging-exports"].template.content["Resources"]["Exports"]
    role = stacks["shipping-staging-service-parcel-dispatcher"].template.content["Resources"]["TaskRole"]
    (policy,) = role["Properties"]["Policies"]
    (put,) = [each for each in policy["PolicyDocument"]["Statement"] if each["Sid"] == "PutExports"]

    assert lint_templates(paths) == []
    assert bucket["Properties"]["LoggingConfiguration"]["DestinationBucketName"] == {"Ref": "LogDeliveryBucketName"}
    assert put["Resource"] == [{"Fn::Sub": "arn:${AWS::Partition}:s3:::${ExportsBucketName}/exports/*"}]
    command = [sys.executable, "-m", "ruff", "check", "--quiet", "--stdin-filename", "templates/extra/exports.py", "-"]
    answer = subprocess.run(command, input=code, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (0, "")


@pytest.mark.long
def test_the_tests_of_the_example_of_an_own_layer_pass_in_a_project(in_project: Path) -> None:
    templates = in_project / "templates"
    templates.unlink()
    shutil.copytree(PROJECT / "templates", templates, symlinks=True)
    shutil.copytree(ROOT / "examples/own-layer", templates / "extra")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-c",
        os.devnull,
        "--import-mode=importlib",
        "templates/extra/tests",
    ]
    answer = subprocess.run(
        command, cwd=in_project, env={**os.environ, "PYTHONPATH": "."}, capture_output=True, text=True, check=False
    )

    assert (answer.returncode, "2 passed" in answer.stdout) == (0, True), answer.stdout

    # `make lint` sorts imports by what it finds in the project, where templates/extra now exists.
    shutil.copy(ROOT / "pyproject.toml", in_project)
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "templates/extra"],
        cwd=in_project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout) == (0, "All checks passed!\n")


def test_each_row_of_the_comparison_names_a_test_that_exists() -> None:
    # Other tools than pipelines were not run, so no test has their rows.
    pipelines = (ROOT / "docs/comparison.md").read_text().partition("Other tools than these templates")[0]
    rows = [line for line in pipelines.splitlines() if line.startswith("| ")][1:]
    known = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }

    assert len(rows) > 15
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row.rpartition(" | ")[2])
        assert named, row
        assert set(named) <= known, row


def test_each_row_of_the_comparison_of_deployers_names_its_test_and_where_it_ran() -> None:
    text = (ROOT / "docs/deploying.md").read_text().partition("## Comparison with other deployers")[2]
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    known = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }

    assert len(rows) > 15
    for row in rows:
        *_, held_by, ran_on, _ = row.split("|")
        named = re.findall(r"`(test_\w+|make [a-z-]+)`", held_by)
        assert named, row
        assert {name for name in named if not name.startswith("make ")} <= known, row
        assert {word.strip() for word in ran_on.split(",")} <= {"local", "fake"}, row


def test_the_evidence_that_the_document_lists_is_what_the_builds_write() -> None:
    from cicd_templates.builds import buildspecs, image_build
    from cicd_templates.functions.approval_records import RECORD_NAME
    from cicd_templates.functions.evidence_format import RELEASE

    service = configured().environments[0].services[0]
    written = image_build.image(service) + buildspecs.bill_of_materials(service) + buildspecs.image_scan()
    listed = re.findall(r"^\| `([\w.<>-]+\.json)` \|", (ROOT / "docs/pipeline.md").read_text(), re.MULTILINE)

    before_deployment = ["sbom.cdx.json", "image-packages.cdx.json", "image-scan.json"]
    assert listed == [*before_deployment, "image-scan-<environment>.json", RELEASE, RECORD_NAME]
    for name in before_deployment:
        assert name in written.replace("$number", "")


def test_the_documented_remainders_are_those_of_the_code() -> None:
    from cicd_templates.deploy.aws.resource_types.registry import OPERATIONS

    section = (ROOT / "docs/destroying.md").read_text().partition("## What can be left, why")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| AWS::")]

    leftovers = {name: operations.leftover for name, operations in sorted(OPERATIONS.items())}
    assert rows == [f"| {name} | {each.why} | {each.removal} |" for name, each in leftovers.items() if each]


def test_the_table_of_states_is_the_one_of_the_code() -> None:
    from cicd_templates.deploy.change_sets.stack_status_remedies import STATES, Verb

    text = (ROOT / "docs/recovering.md").read_text()
    for status, state in STATES.items():
        settles = "<br>".join(f"`{words}`" for words in state.remedies) or "–"  # noqa: RUF001 - a dash
        steps = f"{state.step(Verb.PLAN).name.lower()} | {state.step(Verb.DESTROY).name.lower()}"
        assert f"| `{status}` | {steps} | {state.means or 'nothing is wrong'} | {settles} |" in text
    assert len(re.findall(r"^\| `[A-Z_]+` \|", text, re.MULTILINE)) == len(STATES)


def test_every_subject_of_the_doctor_is_in_its_table() -> None:
    from cicd_templates.deploy.doctor.examine import CHECKS

    table = (ROOT / "docs/recovering.md").read_text().partition("## What `make doctor` checks")[2].partition("\n## ")[0]
    for subject in CHECKS:
        assert subject in table
