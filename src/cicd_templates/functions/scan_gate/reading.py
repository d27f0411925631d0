"""Defines reports and findings, and parses the JSON of reports strictly."""

from __future__ import annotations

import hashlib
import json
from dataclasses import InitVar, dataclass, field
from typing import Any

OK, INCOMPLETE, ERROR = "ok", "incomplete", "error"


class UnusableError(Exception):
    """Raised if a report cannot be used: it is damaged, is only an error message, or comes from another tool."""


@dataclass
class Finding:
    """A finding of a tool.

    - `tool_severity` is the tool's own word for the severity, or None.
    - `fix` lists the versions with a fix. It is empty if there are none, and None if the tool does not say.
    - `also_in` has the name and version of each further package with the same vulnerability.
    - `exploited` says whether the vulnerability is known to be exploited.
    - `epss` is the probability, from 0 to 1, that the vulnerability will be exploited.
    - `stated` is False if a SARIF report has no severity for the finding. Then `tool_severity` has SARIF's default.
    - `suppressed` is True if the tool was configured to ignore the finding.
    - `fingerprint` identifies the finding, even if its line number changes. It is computed from the `excerpt`, which is
      not stored, because it may be a secret.
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
    also_in: list[tuple[str, str]] = field(default_factory=list)
    exploited: bool = False
    epss: float = 0.0
    stated: bool = True
    suppressed: bool = False
    fingerprint: str = ""
    excerpt: InitVar[str] = ""

    def __post_init__(self, excerpt: str) -> None:
        """Remove `./` from the file's path, escape bytes that are not UTF-8, and compute the fingerprint."""
        # In this text, a lone surrogate stands for a byte that is not UTF-8. It is escaped, because a policy cannot
        # contain a lone surrogate.
        self.file = self.file.removeprefix("./").encode("utf-8", "backslashreplace").decode()
        identity = [self.id, self.package or self.file, "".join((excerpt or self.title).split())]
        self.fingerprint = hashlib.sha256("\n".join(identity).encode("utf-8", "replace")).hexdigest()[:16]


@dataclass
class Report:
    """The content of a report.

    - `status` is `incomplete` if the scan did not cover its target, and `error` if the report is unusable. `reason`
      says why.
    - `suppressed` has the findings that the tool was configured to ignore. They count like all other findings, because
      only a waiver can accept a finding.
    - `covered` describes what was scanned.
    - `writers` has the tools that the report names as its authors. `tool_version` is the version that the report states
      for its tool.
    - `source_digest` identifies the source that was checked. It is empty if the check stored no run record.
    """

    findings: list[Finding] = field(default_factory=list)
    status: str = OK
    reason: str = ""
    suppressed: list[Finding] = field(default_factory=list)
    covered: str = ""
    writers: list[str] = field(default_factory=list)
    tool_version: str = ""
    source_digest: str = ""

    def add(self, finding: Finding, suppressed: object) -> None:
        """Add a finding. `suppressed` says whether the tool was configured to ignore it."""
        finding.suppressed = bool(suppressed)
        (self.suppressed if suppressed else self.findings).append(finding)

    def mark_incomplete(self, reason: str, status: str = INCOMPLETE) -> None:
        """Record why the scan is incomplete, or why it failed if `status` is ERROR."""
        self.status = ERROR if ERROR in (self.status, status) else status
        self.reason = f"{self.reason}; {reason}" if self.reason else reason


def parse_json(data: bytes) -> Any:
    """Return the JSON in `data`. Raises `UnusableError` if it is invalid, or if it has NaN or duplicate keys."""
    if not data.strip():
        raise UnusableError("the report is empty")
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_nan)
    except UnicodeDecodeError as error:
        raise UnusableError(f"the report is not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise UnusableError("the report is nested too deeply") from None
    except ValueError as error:
        # Python also raises this error for a number with too many digits.
        raise UnusableError(f"the report is not JSON: {error}; it starts with {data[:40]!r}") from None


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise UnusableError("the report has a duplicate key, so its meaning is ambiguous")
    return members


def _refuse_nan(name: str) -> Any:
    raise UnusableError(f"the report has {name}, which is not valid JSON")


def require_keys(value: Any, writer: str, *keys: str) -> dict[str, Any]:
    """Return the report `value` as a JSON object. Raises `UnusableError` if one of `keys` is missing or null.

    The tool `writer` always writes these keys, so the error says that another tool wrote the report.
    """
    report = mapping(value, "the report")
    missing = [key for key in keys if report.get(key) is None]
    if missing:
        has = ", ".join(sorted(report)[:8]) or "none"
        raise UnusableError(
            f"the report has no {' and no '.join(missing)}, so {writer} did not write it; its keys: {has}"
        )
    return report


def require_version(value: Any, known: str, where: str) -> None:
    """Raise `UnusableError` if `value` is not a version, or if `value` and `known` have different major versions."""
    version = str(value)
    if isinstance(value, bool) or version.partition(".")[0] != known.partition(".")[0] or not version[-1:].isdigit():
        raise UnusableError(f"{where} is {value!r}, but the gate supports only {known}")


def require_count(read: Report, stated: Any, counted: int, what: str) -> None:
    """Mark a report as incomplete if its count of items differs from the number of items that it lists."""
    if stated is not None and (isinstance(stated, bool) or stated != counted):
        read.mark_incomplete(f"the report states {text(stated)[:20]} {what} but lists {counted}")


def mapping(value: Any, where: str) -> dict[str, Any]:
    """Return `value`, which must be an object. Null counts as an empty object."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UnusableError(f"{where} is not an object")
    return value


def rows(value: Any, where: str) -> list[dict[str, Any]]:
    """Return `value`, which must be a list of objects. Null counts as an empty list, because some tools write null."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise UnusableError(f"{where} is not a list of objects")
    return value


def items(value: Any, where: str, kind: type) -> list[Any]:
    """Return `value`, which must be a list of values of the type `kind`. Null counts as an empty list."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(type(item) is kind for item in value):
        raise UnusableError(f"{where} is not a list of {'numbers' if kind is int else 'strings'}")
    return value


def text(value: Any) -> str:
    """Return `value` as a string; None becomes an empty string."""
    return "" if value is None else str(value)


def listing(value: Any) -> str | None:
    """Return the strings in `value`, joined with commas. Return None if `value` is not a list."""
    return ", ".join(words(value)) if isinstance(value, list) else None


def word(value: Any) -> str | None:
    """Return `value` if it is a string, otherwise None."""
    return value if isinstance(value, str) else None


def words(value: Any) -> list[str]:
    """Return the strings in `value` if it is a list, otherwise an empty list."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def number(value: Any) -> int:
    """Return `value` as an int if it is a whole number (old tools write `36.0`), otherwise 0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def fraction(value: Any) -> float:
    """Return `value` as a float if it is a number from 0 to 1, otherwise 0."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1 else 0.0
