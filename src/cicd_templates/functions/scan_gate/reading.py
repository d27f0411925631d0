"""What every report is read into, and how its bytes become JSON: strictly, or not at all."""

from __future__ import annotations

import hashlib
import json
from dataclasses import InitVar, dataclass, field
from typing import Any

OK, INCOMPLETE, ERROR = "ok", "incomplete", "error"


class UnusableError(Exception):
    """A report that says nothing: it is broken, of another tool, or the tool's own error. Its text is the reason."""


@dataclass
class Finding:
    """One thing that a tool found. `tool_severity` is as the tool wrote it, or None where it says none.

    `fix` is the versions that mend it, empty where the tool says there are none, and None where it does not say.
    `fingerprint` is the same wherever in its file the `excerpt` stands, which is not kept: it may be a secret.
    `suppressed` says that the tool was told to pass over it, by a comment, a file or its own service.
    """

    tool: str
    id: str
    tool_severity: str | None
    severity: str
    cwe: list[int] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    title: str = ""
    package: str = ""
    version: str = ""
    file: str = ""
    line: int = 0
    fix: str | None = None
    suppressed: bool = False
    fingerprint: str = ""
    excerpt: InitVar[str] = ""

    def __post_init__(self, excerpt: str) -> None:
        """Name the file as its repository does, and make the fingerprint."""
        self.file = self.file.removeprefix("./")
        seen = [self.id, self.package or self.file, "".join((excerpt or self.title).split())]
        self.fingerprint = hashlib.sha256("\n".join(seen).encode("utf-8", "replace")).hexdigest()[:16]


@dataclass
class Report:
    """What a report says. It is `incomplete` where the scan did not cover its target, for the `reason` given.

    What is `suppressed` is told apart and counts like the other findings: only a waiver accepts one.
    """

    findings: list[Finding] = field(default_factory=list)
    status: str = OK
    reason: str = ""
    suppressed: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding, suppressed: object) -> None:
        """Note a finding, and whether the tool was told to pass over it."""
        finding.suppressed = bool(suppressed)
        (self.suppressed if suppressed else self.findings).append(finding)

    def lacks(self, reason: str, status: str = INCOMPLETE) -> None:
        """Note that the scan left something out, or by its `status` that it failed, whatever it had found by then."""
        self.status = ERROR if ERROR in (self.status, status) else status
        self.reason = f"{self.reason}; {reason}" if self.reason else reason


def parsed(data: bytes) -> Any:
    """The JSON in `data`. Raises `UnusableError` for what JSON does not know, also where Python would let it pass."""
    if not data.strip():
        raise UnusableError("the report is empty")
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise UnusableError(f"the report is not UTF-8: byte {error.start}") from None
    except RecursionError:
        raise UnusableError("the report is nested too deeply") from None
    except ValueError as error:
        # Python's own limit on the digits of a number is one, too.
        raise UnusableError(f"the report is not JSON: {error}; it begins {data[:40]!r}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise UnusableError("the report has a key twice, and which of them counts is anybody's guess")
    return found


def _no_constant(name: str) -> Any:
    raise UnusableError(f"the report has {name}, which is no JSON")


def mapping(value: Any, where: str) -> dict[str, Any]:
    """`value`, which has to be an object; an empty one for null."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UnusableError(f"{where} is no object")
    return value


def rows(value: Any, where: str) -> list[dict[str, Any]]:
    """`value`, which has to be a list of objects; none for null, as some tools write an empty list."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise UnusableError(f"{where} is no list of objects")
    return value


def text(value: Any) -> str:
    """`value` as text; nothing for what is absent."""
    return "" if value is None else str(value)


def listing(value: Any) -> str | None:
    """The texts in `value` with commas, where it is a list."""
    return ", ".join(words(value)) if isinstance(value, list) else None


def word(value: Any) -> str | None:
    """`value` where it is text."""
    return value if isinstance(value, str) else None


def words(value: Any) -> list[str]:
    """The texts in `value`, where it is a list."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def number(value: Any) -> int:
    """`value` as a whole number, 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
