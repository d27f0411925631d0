"""Reads recorded answers of AWS from the folder that AWS_RECORDINGS names, and compares our answers with them.

The recordings belong to the LocalStack project (Apache-2.0). They are not in this repository. Values that change from
run to run are placeholders in the recordings, such as `<stack-id:1>` or `datetime`. Any text or time of ours matches a
placeholder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = os.environ.get("AWS_RECORDINGS")
# Fields that our code does not read, and that our fakes do not answer.
UNREAD = frozenset({"ResponseMetadata", "Type", "ResourceProperties", "Outputs", "LastModifiedDate", "Version", "ARN"})
# Placeholders, and names that CloudFormation or the recorded test made up.
ANY = re.compile(r"<[^>]*>|datetime|timestamp|CFN-\w+-\w+|param-[0-9a-f]{8}|\w+-[A-Z_]+-date")
ACCOUNT = re.compile(r"\b[12]{12}\b")


def recorded(file: str, entry: str) -> dict[str, Any]:
    """Return the recorded answers of one entry, by their keys."""
    assert FOLDER is not None
    entries = json.loads((Path(FOLDER) / f"{file}.json").read_text())
    (found,) = [value for name, value in entries.items() if name.split("::", 1)[1] == entry]
    content: dict[str, Any] = found["recorded-content"]
    return content


def differences(theirs: Any, ours: Any, where: str = "") -> Iterator[str]:
    """Yield each place in which our answer differs from AWS's answer in its shape or in a text."""
    if isinstance(theirs, dict) and isinstance(ours, str) and where.endswith("Context"):
        ours = json.loads(ours)
    match theirs, ours:
        case dict(), dict():
            yield from _of_fields(theirs, ours, where)
        case list(), list():
            if len(theirs) != len(ours):
                yield f"{where}: AWS answers {len(theirs)} entries, ours are {len(ours)}: {ours!r}"
            for number, (one, other) in enumerate(zip(_sorted(theirs, where), _sorted(ours, where), strict=False)):
                yield from differences(one, other, f"{where}/{number}")
        case str(), _:
            pattern = ".*".join(map(re.escape, ANY.split(ACCOUNT.sub("ACCOUNT", theirs))))
            if not re.fullmatch(pattern, ACCOUNT.sub("ACCOUNT", str(ours)), re.S):
                yield f"{where}: AWS answers {theirs!r}, ours is {ours!r}"
        case _ if theirs != ours:
            yield f"{where}: AWS answers {theirs!r}, ours is {ours!r}"


def _of_fields(theirs: dict[str, Any], ours: dict[str, Any], where: str) -> Iterator[str]:
    for key in sorted((theirs.keys() | ours.keys()) - UNREAD):
        if key not in ours:
            yield f"{where}/{key}: is missing; AWS answers {theirs[key]!r}"
        elif key not in theirs:
            yield f"{where}/{key}: AWS answers nothing of that name; ours is {ours[key]!r}"
        else:
            yield from differences(theirs[key], ours[key], f"{where}/{key}")


def _sorted(entries: list[Any], where: str) -> list[Any]:
    """Return a list without an order of its own sorted, so that it can be compared.

    Events and resources keep their order.
    """
    if where.endswith(("Parameters", "Capabilities", "Details", "Tags")):
        return sorted(entries, key=lambda entry: _text(entry))
    if where.endswith("Changes"):
        return sorted(entries, key=lambda entry: str(entry["ResourceChange"]["LogicalResourceId"]))
    return entries


def _text(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    names = ("ParameterKey", "Key", "ChangeSource", "Evaluation", "CausingEntity")
    return " ".join(str(entry.get(name, "")) for name in names)
