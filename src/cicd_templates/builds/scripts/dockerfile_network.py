"""Disable the network for the commands of a Dockerfile, except commands that install only packages from lock files.

`dockerfile_network.py FILE INSTRUCTIONS CONTEXT TARGET ADDRESS...` writes the changed Dockerfile to TARGET. FILE is the
original Dockerfile, and INSTRUCTIONS is the output of `dockerfile.py` for FILE. CONTEXT is the build context. Commands
may download from each ADDRESS. An ADDRESS that ends in a slash allows everything below it.

In TARGET, a RUN command has a network only if all of these conditions hold:

- The command only installs packages that a lock file lists, or downloads a file with a checksum.
- Earlier in its stage, only lock files were copied, and only into project folders such as /app. Any other file could be
  a program that downloads something or replaces an installer.
- Earlier in its stage, no command ran pip, uv, npm, yarn, pnpm or Composer. A package can contain a program with the
  name of an installer. Python runs code of packages when Python starts. Composer can create links to any folder.

The script prints a JSON list with one number per stage: the line after which the stage has no network, or 0 if the
stage keeps its network. If a command needs a network but has none, the script prints the line and exits with 1. The
script must run on Python 3.8, because it runs in the build environment that has Docker.
"""

from __future__ import annotations

import json
import re
import sys

from cicd_templates.builds.scripts.installer_forms import kinds
from cicd_templates.builds.scripts.lock_files import (
    COPY_OPTIONS,
    brings_programs,
    copies_locks,
    is_place_for_lock,
    is_project_folder,
    keeps_names,
    mounts_locks,
    moves_locks,
    resolved,
)

# Commands that install or download something, by name. This list only makes error messages clear: commands that are not
# in the list have no network, either.
INSTALLS = {
    "pip install": r"(?:\b|-m)pip[\d.]*\s(?:.*\s)?(?:install|download|wheel)\b",
    "pipx": r"\bpipx\s",
    "easy_install": r"\beasy_install\b",
    "uv": r"\buv(?:\s+-\S+)*\s+(?:sync|run|add|tool|pip|lock)\b|\buvx\s",
    "poetry or pipenv": r"\b(?:poetry|pipenv|pdm)(?:\s+-\S+)*\s+(?:add|update|lock|install|sync)\b",
    "conda install": r"\b(?:conda|mamba|micromamba)(?:\s+-\S+)*\s+(?:install|create|env)\b",
    "npm install": r"\bnpm(?:\s+-\S+)*\s+(?:ci|install|in?|add|update|exec|x)\b|\b(?:npx|bunx)\s",
    "yarn or pnpm install": r"\b(?:yarn|pnpm|bun)(?:\s+-\S+)*\s+(?:install|i|add|dlx)\b",
    "gem or bundle install": r"\b(?:gem|bundle)\s+(?:install|i|fetch|update)\b",
    "go install or get": r"\bgo(?:\s+-C\s+\S+)?\s+(?:(?:install|run)\s.*@|get\b|mod\s+download\b)",
    "cargo install": r"\bcargo\s+(?:\+\S+\s+)?(?:install|fetch|add|update)\b",
    "composer": r"\bcomposer\s+(?:require|update|install)\b",
    "git clone": r"\bgit(?:\s+-\S+(?:\s+\S+=\S+)?)*\s+(?:clone|fetch|pull|submodule)\b|\b(?:hg|svn)\s+c",
    "curl or wget": r"\b(?:curl|wget|aria2c)\s",
    "a package manager": r"\b(?:apt|apt-get|apk|dnf|microdnf|yum)(?:\s+-\S+)*\s+(?:install|add|update|upgrade)\b",
}
PROBLEM = (
    "{} can install or download content that no lock file lists, so no check has examined this content; write the "
    "command in a form from docs/pipeline.md, and move it above the first COPY of anything but lock files{}"
)
PLACE = ", because the folder in this line may contain programs; use /app instead"
# A variable with a plain value that no shell treats as a command. BuildKit also removes quotes from names.
VARIABLE = r"""([A-Za-z_]\w*)(=(?:"(?:[\w./:=,@+ -]|\$\w|\$\{\w+\})*"|(?:[\w./:=,@+-]|\$\w|\$\{\w+\})*))?"""
# A value that is neither a path nor an address nor an option, such as 8080, production or C.UTF-8.
INERT = re.compile(r"""="?(?:(?:[\w,@+-]| (?!-))*|\w+\.(?:utf|UTF)-?8)"?""")
# A cache contains files of other builds. Builds get no secrets and no keys.
MOUNTS = ("bind", "tmpfs")
# Variables with which a command of an accepted form could install or run something else, whatever their value is.
STEERING = re.compile(
    r"(?:PIP|UV|NPM|PERL|YARN|PNPM|COREPACK|NODE|GO|CARGO|RUST|GIT|LD|APT|DPKG|SSL|CURL|COMPOSER|XDG|BASH|PYTHON)\w*|\w*PROXY"
    r"|PS\d|GLIBC_TUNABLES|ENV|HOME|IFS|CDPATH",
    re.IGNORECASE,
)
# Variables that cannot change a command of an accepted form. Even a path as the value is safe, because the path
# contains only files of the base image and of locked packages.
PLAIN = {
    *("PATH", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_CACHE_DIR", "PIP_ROOT_USER_ACTION", "PYTHONDONTWRITEBYTECODE"),
    *("PYTHONFAULTHANDLER", "PYTHONHASHSEED", "PYTHONPATH", "PYTHONUNBUFFERED", "NODE_ENV", "UV_COMPILE_BYTECODE"),
    *("UV_LINK_MODE", "VIRTUAL_ENV"),
}


def steering(arguments: str) -> set[str]:
    """Return the variables in ENV or ARG that could change what an allowed command installs or runs.

    If the instruction is not in a plain form, return `*`, because it could set any variable.
    """
    if not re.fullmatch(rf"{VARIABLE}(?:\s+{VARIABLE})*", arguments):
        return {"*"}
    variables = re.findall(VARIABLE, arguments)
    unsafe = {name for name, value in variables if STEERING.fullmatch(name) or (value and not INERT.fullmatch(value))}
    return unsafe - PLAIN


class Network:
    """Decides which RUN commands of a Dockerfile have a network.

    - `closed` has one number for each stage: the line after which no command of the stage has a network. The number is
      0 if there is no such line.
    - `cut` contains the lines of the RUN commands that get the option `--network=none`.
    - `folders` contains the current folder of each stage, or an empty string if only the image knows the folder.
    - `misplaced` contains the lines that copy a file to a folder that may contain programs.
    - `before` contains variables that are set before the first stage and could change what a command installs or runs.
      A stage that uses one of these variables loses its network.
    """

    def __init__(self, context: str, addresses: list[str]) -> None:
        self.context = context
        self.addresses = addresses
        self.names: dict[str, int] = {}
        self.before: set[str] = set()
        self.closed: list[int] = []
        self.folders: list[str] = []
        self.misplaced: set[int] = set()
        self.cut: list[int] = []
        self.problems: list[tuple[int, str]] = []

    def read(self, number: int, name: str, options: list[str], arguments: str) -> None:
        """Process one instruction."""
        if name == "FROM":
            words = arguments.lower().split()
            begun_on = self.stage(words[0])
            self.closed.append(self.closed[begun_on] if begun_on >= 0 else 0)
            self.folders.append(self.folders[begun_on] if begun_on >= 0 else "")
            self.names.update({words[2]: len(self.closed) - 1} if len(words) == 3 else {})
        elif name == "RUN":
            self.run(number, options, arguments)
        elif name in ("CMD", "ENTRYPOINT", "HEALTHCHECK"):
            # Commands that run when a container starts are judged like commands of the build.
            self.refuse_installs(number, arguments, "")
        elif name in ("ENV", "ARG"):
            self.set_variables(number, arguments)
        elif name == "WORKDIR":
            self.change_folder(number, arguments)
        elif name == "COPY" and self.brings_more(number, options, arguments):
            self.close(number)

    def set_variables(self, number: int, arguments: str) -> None:
        """Process ENV or ARG. If a variable could change a command, deny the network to all later commands of the
        stage.
        """
        unsafe = steering(arguments)
        if not self.closed:
            self.before |= unsafe
        # ARG without a value inherits the value of a variable before the first stage.
        elif unsafe or "*" in self.before or self.before.intersection(arguments.split()):
            self.close(number)

    def change_folder(self, number: int, path: str) -> None:
        """Process WORKDIR. If the folder may contain programs, deny the network to all later commands of the stage."""
        self.folders[-1] = resolved(self.folders[-1], path)
        if not (is_project_folder(self.folders[-1]) or self.folders[-1] == "/"):
            self.misplaced.add(number)
            self.close(number)

    def stage(self, name: str) -> int:
        """Return the position of the stage with this name or number, or -1 if `name` is an image."""
        number = self.names.get(name, int(name) if name.isdigit() else -1)
        return number if number < len(self.closed) else -1

    def close(self, number: int) -> None:
        """Deny the network to all later commands of the current stage."""
        if self.closed and not self.closed[-1]:
            self.closed[-1] = number

    def brings_more(self, number: int, options: list[str], arguments: str) -> bool:
        """Return whether the stage could run code of the application after this COPY.

        The result is False only if COPY does all of this:

        - It copies only lock files, files of another image, or files of a stage that still has a network.
        - It keeps the names of the files.
        - It keeps lock files and programs in different folders. A program could execute the content of a lock file.
        """
        if not all(COPY_OPTIONS.fullmatch(option) for option in options):
            return True
        origins = [option.partition("=")[2] for option in options if option.startswith("--from=")]
        if origins:
            plain = re.fullmatch(r"[\w./@+ -]+", arguments) and keeps_names(arguments)
            stages = [each for each in map(self.stage, [origin.lower() for origin in origins]) if each >= 0]
            if not plain or any(self.closed[each] for each in stages):
                return True
            if brings_programs(self.folders[-1], arguments, from_image=not stages):
                return True
            misplaced = bool(stages) and moves_locks(self.folders[-1], arguments)
        elif copies_locks(self.context, arguments):
            *sources, target = arguments.split()
            misplaced = not all(is_place_for_lock(self.folders[-1], target, source) for source in sources)
        else:
            return True
        self.misplaced.update([number] if misplaced else [])
        return misplaced

    def run(self, number: int, options: list[str], command: str) -> None:
        """Process a RUN command: decide whether it and the later commands of its stage may have a network."""
        mounts = [option for option in options if option.startswith("--mount=")]
        types = [each for option in mounts for each in re.findall(r"[=,]type=([^,]*)", option, re.IGNORECASE)]
        for kind in types:
            if kind not in MOUNTS:
                self.problems.append(
                    (number, f"a mount of type {kind} contains files that are not part of this source; remove it")
                )
        for option in options:
            if option not in (*mounts, "--network=none"):
                self.problems.append((number, f"RUN may not have the option {option} here; remove it"))
        done = kinds(command, self.addresses)
        takes = (
            bool(done & {"lock", "download"})
            and "other" not in done
            and mounts_locks(self.context, self.folders[-1], mounts)
        )
        alone = "--network=none" in options
        if not takes or self.closed[-1] or alone:
            self.cut += [] if alone else [number]
            if not alone:
                self.refuse_installs(number, command, self.reason() if takes else "")
        if done & {"download", "other", "programs"} or not mounts_locks(self.context, self.folders[-1], mounts):
            self.close(number)

    def reason(self) -> str:
        """Return the end of an error message. It names the line that disabled the network of the stage."""
        place = PLACE if self.closed[-1] in self.misplaced else ""
        return f"; line {self.closed[-1]} disabled the network for the rest of its stage{place}"

    def refuse_installs(self, number: int, command: str, reason: str) -> None:
        """Add a problem for each part of `command` that needs a network to install or download something."""
        for part in re.split(r"[&|;\n]", re.sub(r"[\[\]\",']", " ", command) + " "):
            for name, pattern in INSTALLS.items():
                if re.search(pattern, part):
                    self.problems.append((number, PROBLEM.format(name, reason)))


def without_network(text: str, cut: list[int], problems: list[tuple[int, str]]) -> str:
    """Return `text`, a Dockerfile, with `--network=none` in each RUN command whose line number is in `cut`."""
    lines = text.replace("\r\n", "\n").split("\n")
    for number in cut:
        begun = re.fullmatch(r"(\s*RUN)(\s.*)", lines[number - 1], re.IGNORECASE)
        if not begun:
            problems.append((number, "write RUN and the beginning of its command in one line"))
            continue
        lines[number - 1] = f"{begun[1]} --network=none{begun[2]}"
    return "\n".join(lines)


def main() -> None:
    """Write the changed Dockerfile. If there are problems, print the problems instead, and exit with 1."""
    path, instructions, context, target, *addresses = sys.argv[1:]
    network = Network(context, addresses)
    with open(instructions) as file:
        for number, name, options, arguments in json.load(file):
            network.read(number, name, options, arguments)
    with open(path, encoding="utf-8", newline="") as file:
        text = without_network(file.read(), network.cut, network.problems)
    if network.problems:
        # The output is ASCII, so that no text of the source can manipulate the log.
        problems = [(number, json.dumps(problem)[1:-1][:400]) for number, problem in sorted(network.problems)]
        sys.exit("\n".join(f"{path}:{number}: {problem}" for number, problem in problems))
    with open(target, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    print(json.dumps(network.closed))


main()
