"""Finds commands of a build that run the application's code, on purpose or by accident."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A command that starts Python, and the first argument of Python. `--command=/usr/bin/python3` does not start Python.
PYTHON_COMMAND = re.compile(r"(?<![\w.=/-])((?:/[\w./-]+/)?python[\d.]*)[ \t]+(?!-I\b)(\S+)")
# A program from the source, at the beginning of a command.
OWN_PROGRAM = re.compile(r"(?:^|[;&|(])[ \t]*(\.\.?/\S+)", re.MULTILINE)
# An interpreter that starts a script of the source. A script outside the source has an absolute path.
OWN_SCRIPT = re.compile(
    r"(?<![\w.=/-])(?:/[\w./-]+/)?(?:python[\d.]*|ba?sh|node|perl|ruby)[ \t]+(?:-\w+[ \t]+)*"
    r"(\w[\w./-]*\.(?:py|sh|[cm]?js|pl|rb))(?![\w.-])"
)


def application_code_problems(commands: str, if_meant: str) -> Iterator[str]:
    """Yield a message for each call in the shell script `commands` that could run code of the application.

    - If a call starts Python without `-I`, the message says how to add `-I`.
    - If a call starts a program of the application, the message ends with `if_meant`, which says what to do instead.
    """
    scripts = {found.start(): found[1] for found in OWN_SCRIPT.finditer(commands)}
    for found in PYTHON_COMMAND.finditer(commands):
        if found.start() not in scripts:
            yield f"`{found[1]} {found[2]}` can load modules of the application; write `{found[1]} -I {found[2]}`"
    for program in (*scripts.values(), *(found[1] for found in OWN_PROGRAM.finditer(commands))):
        yield f"{program} is a program of the application and must not run in this build; {if_meant}"
