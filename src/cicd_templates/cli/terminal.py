"""Prints the output of the commands and asks the user questions. Replaces unprintable characters in every text.

Apart from this module, only `deploy/reporting` prints: it prints the events of deployments and destructions.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType

import click

from cicd_templates.printable import printable, printable_lines


def show(line: str, *, err: bool = False) -> None:
    """Print one line. A line break within it, such as one in a file name, is printed as a space."""
    click.echo(printable(line), err=err)


def show_page(text: str, *, err: bool = False) -> None:
    """Print a text of several lines, such as JSON or Markdown.

    The text may contain values such as file names. The caller must remove line breaks from these values.
    """
    click.echo(printable_lines(text.removesuffix("\n")), err=err)


@contextlib.contextmanager
def working(line: str) -> Iterator[Callable[[str], None]]:
    """During the `with` block, show `line` beside a spinner on the terminal. Without a terminal, show nothing.

    Yields a function that replaces the line. At the end of the block, the line disappears.
    """
    if not sys.stdout.isatty():
        yield lambda line: None
        return
    from rich.console import Console
    from rich.text import Text

    def text(line: str) -> Text:
        return Text(printable(line), overflow="ellipsis", no_wrap=True)

    with Console().status(text(line)) as status:
        yield lambda line: status.update(text(line))


def discard_unwritable_output() -> str:
    """Write the rest of standard output. Discard it if this fails, for example because the disk is full.

    Return "standard output" if the rest was discarded, and an empty string if it was written. If the rest were not
    discarded, Python would try to write it at exit, and print a second error.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return "standard output"
    return ""


def show_error(error: object) -> None:
    """Print an error on standard error.

    All lines after the first are indented, so that they do not look like separate errors.
    """
    first, *others = str(error).split("\n")
    for line in (f"error: {first}", *(line if line.startswith("  ") else f"  {line}" for line in others)):
        show(line, err=True)


def show_crash(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    """Print the traceback of an unexpected error. This function is installed as `sys.excepthook`."""
    show_page("".join(traceback.format_exception(kind, error, frames)), err=True)


def confirm(question: str) -> bool:
    """Return the user's answer to a yes-or-no question. The default is no. Raises `click.Abort` for Ctrl-C."""
    return click.confirm(printable(f"  {question}"), default=False)


def ask(question: str) -> str:
    """Return the text that the user types in answer to a question; it may be empty. Raises `click.Abort` for Ctrl-C."""
    return str(click.prompt(printable(f"  {question}"), default="", show_default=False))
