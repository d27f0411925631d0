"""The door to the terminal: everything that a command prints or asks passes here and is made printable.

`deploy/reporting` is the other door, for the events of deployments and destructions. Nothing else prints.
"""

from __future__ import annotations

import traceback
from types import TracebackType

import click

from cicd_templates.printable import printable, printable_lines


def show(line: str, *, err: bool = False) -> None:
    """Print one line; a line break within it, which only foreign text has, is shown as a space."""
    click.echo(printable(line), err=err)


def show_page(text: str, *, err: bool = False) -> None:
    """Print text of several lines, such as JSON or Markdown, in which foreign text already has no line breaks."""
    click.echo(printable_lines(text.removesuffix("\n")), err=err)


def show_error(error: object) -> None:
    """Print an error on standard error; its lines after the first are indented, so that none poses as another one."""
    first, *others = str(error).split("\n")
    for line in (f"error: {first}", *(line if line.startswith("  ") else f"  {line}" for line in others)):
        show(line, err=True)


def show_crash(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    """Print the traceback of an unexpected error, as `sys.excepthook`."""
    show_page("".join(traceback.format_exception(kind, error, frames)), err=True)


def confirm(question: str) -> bool:
    """Ask a question to which the default answer is no. Raise `click.Abort` for Ctrl-C."""
    return click.confirm(printable(f"  {question}"), default=False)


def ask(question: str) -> str:
    """Ask for a text, which may be empty. Raise `click.Abort` for Ctrl-C."""
    return str(click.prompt(printable(f"  {question}"), default="", show_default=False))
