"""Refuse a Dockerfile whose image could contain something that no check has examined.

`dockerfile.py FILE INSTRUCTIONS PREFIX...` prints the base images of the Dockerfile FILE, one per line. A base image is
allowed if its name begins with one of the PREFIXes. If the script refuses lines, it prints their numbers instead of the
images, and exits with 1.

For `dockerfile_network.py`, the script writes a JSON list to INSTRUCTIONS: the line, name, options and arguments of
each instruction.

The script reads a Dockerfile as BuildKit does. It refuses everything that could make BuildKit read the file
differently: syntax directives, escape directives, other encodings and here-documents. It must run on Python 3.8,
because it runs in the build environment that has Docker.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator

INSTRUCTIONS = {
    *("ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "RUN"),
    *("SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}
REFUSED = {
    "ADD": "ADD can download files and unpack archives that no check has examined; use COPY instead",
    "ONBUILD": "ONBUILD delays its command until another stage or image builds on this one; remove ONBUILD, and write "
    "the command in the stage or image that needs it",
}
DIRECTIVE = re.compile(r"\s*(#|//)\s*(syntax|escape)\s*=", re.IGNORECASE)
CONTINUED = re.compile(r"([^\\])\\[ \t]*$|^\\[ \t]*$")
# BuildKit removes quotes and backslashes from an option, so --fr"om" means --from.
OPTION = re.compile(r"--[a-z][a-z-]*(=[^\s\"'\\]+)?")
PINNED = re.compile(r"([a-z0-9.-]+(?::\d+)?(?:/[a-z0-9._-]+)+)(?::[\w.-]+)?@sha256:[0-9a-f]{64}")
STAGE = re.compile(r"[a-z][a-z0-9._-]*")
# With other options, or without `-c`, a shell treats the text of a command as the name of a script.
SHELLS = re.compile(
    r'\[ *"(?:/bin/|/usr/bin/)?(?:sh|ash|bash|dash)"(?: *, *"-[eux]+"| *, *"-[eux]*o" *, *"pipefail")*'
    r' *, *"-[eux]*c" *\]'
)


def instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield each instruction: the number of its first line, its name and its arguments."""
    begun, number = "", 0
    for current, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        number = number if begun else current
        continued = CONTINUED.search(line)
        begun += CONTINUED.sub(r"\1", line) if continued else line
        if not continued:
            name, _, rest = begun.strip().replace("\t", " ").partition(" ")
            yield number, name.upper(), rest.strip()
            begun = ""
    if begun:
        name, _, rest = begun.strip().replace("\t", " ").partition(" ")
        yield number, name.upper(), rest.strip()


def flags(rest: str) -> tuple[list[str], str]:
    """Return the options at the beginning of an instruction's arguments, and the other arguments."""
    found = []
    while rest.startswith("--"):
        option, _, rest = rest.partition(" ")
        found.append(option)
        rest = rest.strip()
    return found, rest


class Reader:
    """Collects the problems and the base images of a Dockerfile, instruction by instruction."""

    def __init__(self, prefixes: list[str]) -> None:
        self.instructions: list[tuple[int, str, list[str], str]] = []
        self.prefixes = [prefix.rstrip("/") for prefix in prefixes]
        self.stages: list[str] = []
        self.images: set[str] = set()
        self.problems: list[tuple[int, str]] = []

    def image(self, number: int, name: str) -> None:
        """Add `name` to the images of the build, or add a problem if this image is not allowed.

        Do nothing if `name` is a build stage or `scratch`.
        """
        if name == "scratch" or (name and name.lower() in self.stages):
            return
        pinned = PINNED.fullmatch(name)
        if not pinned:
            self.problems.append((number, f"{name} is not pinned; write registry/repository@sha256:<digest>"))
        elif not any(pinned[1] == prefix or pinned[1].startswith(f"{prefix}/") for prefix in self.prefixes):
            allowed = ", ".join(self.prefixes) or "none"
            self.problems.append((number, f"{pinned[1]} is not an allowed base image; allowed: {allowed}"))
        else:
            self.images.add(name)

    def options(self, number: int, options: list[str]) -> None:
        """Check the options of an instruction. Record the images in its options `--from` and `--mount`."""
        for option in options:
            if not OPTION.fullmatch(option) or option in ("--from", "--mount"):
                self.problems.append((number, f"{option} is not a plain option; write --name=value without quotes"))
                continue
            if not option.startswith(("--from=", "--mount=")):
                continue
            if "$" in option:
                self.problems.append((number, f"{option} has a variable; write the name of the image itself"))
                continue
            for part in option.partition("=")[2].split(",") if option.startswith("--mount") else [option[2:]]:
                key, _, value = part.partition("=")
                # This option can name a stage by its number, but FROM cannot.
                if key.lower() == "from" and not (value.isdigit() and int(value) < len(self.stages)):
                    self.image(number, value)

    def read(self, number: int, name: str, rest: str) -> None:
        """Check one instruction. Record its problems and the images that it uses."""
        options, arguments = flags(rest)
        self.instructions.append((number, name, options, arguments))
        if name not in INSTRUCTIONS:
            self.problems.append((number, REFUSED.get(name, f"{name} is an unknown instruction")))
        elif not self.stages and name not in ("ARG", "FROM"):
            self.problems.append((number, f"{name} comes before FROM"))
        elif name in ("RUN", "COPY") and "<<" in rest:
            self.problems.append((number, "no check examines a here-document; move its text to a file"))
        elif name == "FROM":
            words = arguments.split()
            self.image(number, words[0] if words else "")
            stage = words[2].lower() if len(words) == 3 and words[1].upper() == "AS" else ""
            if stage and (stage in self.stages or stage == "scratch"):
                self.problems.append((number, f"{stage} is already the name of a stage or image; choose another name"))
            if len(words) not in (1, 3) or (len(words) == 3 and not STAGE.fullmatch(stage)):
                self.problems.append(
                    (number, "FROM must name an image, and may continue with AS and the name of the stage")
                )
            self.stages.append(stage)
        elif name == "SHELL" and not SHELLS.fullmatch(arguments):
            self.problems.append(
                (number, "SHELL must be a JSON list that begins with sh, ash, bash or dash and ends with -c")
            )
        self.options(number, options)


def read_dockerfile(data: bytes, prefixes: list[str]) -> Reader:
    """Return a `Reader` that has read the complete Dockerfile."""
    reader = Reader(prefixes)
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        reader.problems.append((1, "is not UTF-8"))
        return reader
    for number, line in enumerate(text.split("\n"), 1):
        if not line.replace("\t", "").isprintable():
            reader.problems.append((number, "has a control character"))
        if DIRECTIVE.match(line) or (number == 1 and line.startswith("#!")):
            reader.problems.append(
                (number, "a parser directive can change how this file is read; remove the directive")
            )
    for number, name, rest in instructions(text):
        reader.read(number, name, rest)
    if not reader.stages:
        reader.problems.append((1, "has no FROM"))
    return reader


def main() -> None:
    """Print the base images. If there are problems, print the problems instead, and exit with 1."""
    path, target, *prefixes = sys.argv[1:]
    try:
        with open(path, "rb") as source:
            reader = read_dockerfile(source.read(), prefixes)
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}")
    if reader.problems:
        # The output is ASCII, so that no text of the source can manipulate the log.
        lines = [f"{path}:{number}: {json.dumps(problem)[1:-1][:300]}" for number, problem in sorted(reader.problems)]
        sys.exit("\n".join(lines))
    with open(target, "w") as file:
        json.dump(reader.instructions, file)
    print("\n".join(sorted(reader.images)))


main()
