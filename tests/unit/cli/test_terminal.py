"""Every printed text passes through one of two modules, which make foreign text printable."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from cicd_templates.cli import main, terminal
from cicd_templates.cli.command import Command
from cicd_templates.deploy.reporting import report
from cicd_templates.errors import CicdError
from tests.conftest import ROOT

PACKAGE = ROOT / "src/cicd_templates"
DOORS = ("cli/terminal.py", "deploy/reporting/report.py")
# What runs in a build or in Lambda: it writes a log and imports nothing of the package but itself.
ELSEWHERE = ("functions/", "builds/scripts/", "rehearsal/programs/")
PRINTING = {"print", "echo", "secho", "echo_via_pager", "pprint", "input", "progressbar"}
ASKING = {"click.confirm", "click.prompt", "click.pause"}
ASKED = {name.rpartition(".")[2] for name in ASKING}
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}
HOSTILE = "a\x1b[2J\u202e\rerror: b [red]x[/red] :smile:\nPASS"
SHOWN = "a\\x1b[2J\\u202e error: b [red]x[/red] :smile: PASS"


def printing(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the calls in `tree` that print or ask, and the uses of a standard stream."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            # Writing the code of every call again would take most of the time.
            last = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if last in PRINTING or (last in ASKED and ast.unparse(node.func) in ASKING):
                yield node
        elif isinstance(node, ast.Attribute) and node.attr in STREAMS and getattr(node.value, "id", "") == "sys":
            yield node


def sources() -> list[Path]:
    inside = [path for path in PACKAGE.rglob("*.py") if not str(path.relative_to(PACKAGE)).startswith(ELSEWHERE)]
    return [*inside, ROOT / "generate.py", *(ROOT / "templates").glob("*.py")]


@pytest.mark.no_cover
def test_only_the_two_printing_modules_print() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"  # type: ignore[attr-defined] # every call has a line
        for path in sources()
        if not str(path).endswith(DOORS)
        for node in printing(ast.parse(path.read_text()))
    ]

    assert found == []


@pytest.mark.parametrize(
    "code",
    ["print(x)", "click.echo(x)", "self._console.print(x)", "sys.stderr.write(x)", "click.confirm(x)", "input()"],
)
def test_a_third_module_that_prints_would_be_found(code: str) -> None:
    assert list(printing(ast.parse(code)))


@pytest.mark.parametrize("door", DOORS)
def test_a_printing_module_prints_only_printable_text(door: str) -> None:
    calls = [node for node in printing(ast.parse((PACKAGE / door).read_text())) if isinstance(node, ast.Call)]

    assert calls
    for call in calls:
        first = call.args[0]
        assert isinstance(first, ast.Call), ast.unparse(call)
        assert ast.unparse(first.func) in ("printable", "printable_lines", "json.dumps"), ast.unparse(call)


@click.command(cls=Command)
@click.option("--number", type=int)
def fails(number: int | None) -> None:
    """Fail with a hostile text."""
    if number:
        raise click.UsageError(HOSTILE)
    raise CicdError(f"first\n  second\n{HOSTILE}")


def test_no_line_of_an_error_poses_as_another_one() -> None:
    assert CliRunner().invoke(fails).stderr.splitlines() == [
        "error: first",
        "  second",
        "  a\\x1b[2J\\u202e error: b [red]x[/red] :smile:",
        "  PASS",
    ]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (fails, ["--number", "1"]),
        (fails, ["--number", HOSTILE]),
        (fails, [f"--{HOSTILE}"]),
        (main, [HOSTILE]),
        (main, [f"--{HOSTILE}"]),
        (main, ["deploy", HOSTILE]),
    ],
)
def test_texts_that_click_quotes_are_printable(command: click.Command, arguments: list[str]) -> None:
    result = CliRunner().invoke(command, arguments)

    assert result.exit_code == 2
    assert result.stderr.replace("\n", "").isprintable()


def test_a_crash_is_printable(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError as error:
        terminal.show_crash(ValueError, error, error.__traceback__)

    printed = capsys.readouterr().err
    assert "ValueError: a\\x1b[2J" in printed
    assert printed.replace("\n", "").isprintable()


@pytest.mark.parametrize(("answer", "confirmed"), [("y\n", True), ("\n", False)])
def test_a_question_is_printable(
    answer: str, confirmed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))

    assert terminal.confirm(f"Delete {HOSTILE}?") is confirmed
    assert capsys.readouterr().out == f"  Delete {SHOWN}? [y/N]: "


def test_a_typed_answer_may_be_empty(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))

    assert terminal.ask(f"Type {HOSTILE}") == ""
    assert capsys.readouterr().out == f"  Type {SHOWN}: "


def test_a_line_and_a_page_are_printable(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show(HOSTILE)
    terminal.show_page(f"1\n{HOSTILE}\n", err=True)

    assert capsys.readouterr() == (f"{SHOWN}\n", f"1\n{SHOWN.removesuffix(' PASS')}\nPASS\n")


def test_every_reporter_is_printable_and_reads_no_markup() -> None:
    plain, machine, screen = io.StringIO(), io.StringIO(), io.StringIO()
    terminal_reporter = report.TerminalReporter(Console(file=screen, width=200, force_terminal=False))
    for reporter in (report.PlainReporter(plain), report.JsonReporter(machine), terminal_reporter):
        reporter.report(report.Note(HOSTILE))
        reporter.report(report.Broke(HOSTILE, HOSTILE))

    expected = f"  {SHOWN}\n  {SHOWN}: FAILED: {SHOWN}\n"
    assert (plain.getvalue(), screen.getvalue()) == (expected, expected)
    assert machine.getvalue().replace("\n", "").isprintable()


def test_the_live_line_is_printable() -> None:
    reporter = report.TerminalReporter(Console(file=io.StringIO(), width=300))
    reporter.report(report.Started(HOSTILE, True, None))
    try:
        (line,) = reporter.lines()
        assert line.startswith(f"  {SHOWN}: ")
    finally:
        reporter.report(report.Succeeded(HOSTILE, "created", 1.0, 1))


def test_standard_output_that_is_no_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())

    assert isinstance(report.reporter(as_json=False), report.PlainReporter)


def test_an_output_that_cannot_be_written_is_named_and_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        full.write("x")
        assert terminal.discard_unwritable_output() == "standard output"
        full.write("x")
        assert terminal.discard_unwritable_output() == ""


class Terminal(io.StringIO):
    """A terminal that keeps everything that was ever shown."""

    def isatty(self) -> bool:
        return True


def test_a_long_step_shows_progress_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    shown = []
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stdout", stream)
        with terminal.working("reading") as update:
            update("writing \x1b[2J[red]")
        shown.append(stream.getvalue())

    assert "writing \\x1b[2J[red]" in shown[0]
    assert shown[1] == ""
