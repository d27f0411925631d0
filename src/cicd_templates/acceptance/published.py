"""Reads the published reports in `docs/acceptance/`, and returns the results of each check."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd_templates.acceptance.check import Check, LocalCoverage, State
from cicd_templates.acceptance.report import FORMAT
from cicd_templates.errors import ConfigurationError
from cicd_templates.markdown import cell, markdown_cell

FOLDER = Path("docs/acceptance")
NOT_MEASURED = "not measured"
ON_AWS = "real"


@dataclass(frozen=True)
class Measured:
    """The result of a check in the newest report of a run on AWS."""

    file: Path
    state: State
    answer: str
    day: str
    regions: str

    @property
    def words(self) -> str:
        """The outcome, the day and the regions, for the column `Measured on AWS`."""
        outcome = "passed" if self.state is State.PASSED else f"{self.state.value}: {self.answer}"
        return f"{outcome} ({self.day}, {self.regions})"


def read_reports(folder: Path) -> dict[str, Measured]:
    """Read the acceptance reports in `folder`. Return the newest result of each check, keyed by the check's name.

    Reports of runs in the local AWS are ignored. If a check did not run in the newest report, the result of an older
    report is used. Raises `ConfigurationError` if a file is not a report.
    """
    documents = [(path, _document(path)) for path in sorted(folder.glob("*.json"))]
    known: dict[str, Measured] = {}
    for path, document in sorted(documents, key=lambda each: str(each[1]["ended"])):
        if document["aws"] != ON_AWS:
            continue
        for row in document["checks"]:
            state = State(row["state"])
            if state in (State.PASSED, State.FAILED):
                regions = ", ".join(document["regions"])
                known[row["name"]] = Measured(path, state, str(row["answer"]), str(document["ended"])[:10], regions)
    return known


def _document(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise ValueError("another format")
        for row in document["checks"]:
            State(row["state"])
            _ = row["name"], row["answer"]
        _ = document["aws"], document["regions"], document["ended"]
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(f"{path}: this is not a report that `make acceptance` of this version wrote") from None
    return document


def table(checks: Iterable[Check], known: dict[str, Measured]) -> list[str]:
    """Return the lines of a Markdown table of all checks with their results on AWS."""
    lines = ["| Check | What it proves | On the local AWS | Measured on AWS |", "|---|---|---|---|"]
    for check in checks:
        coverage = check.local_coverage.value
        local = coverage if check.local_coverage is LocalCoverage.PROVEN else f"{coverage}: {check.local_limit}"
        measured = known[check.name].words if check.name in known else NOT_MEASURED
        lines.append(f"| `{check.name}` | {markdown_cell(check.proves)} | {markdown_cell(local)} | {cell(measured)} |")
    return lines


def question_table(checks: Iterable[Check], known: dict[str, Measured]) -> list[str]:
    """Return the lines of a Markdown table of the questions that only AWS can answer, with their checks and answers."""
    lines = ["| Question | Check | Answer of AWS |", "|---|---|---|"]
    for check in checks:
        if check.question:
            answer = known[check.name].answer if check.name in known else NOT_MEASURED
            lines.append(f"| {markdown_cell(check.question)} | `{check.name}` | {cell(answer)} |")
    return lines


def contradictions(checks: Sequence[Check], known: dict[str, Measured]) -> Iterator[str]:
    """Yield a line for each check that failed on AWS. The line has the expected behaviour and the answer of AWS."""
    for check in checks:
        measured = known.get(check.name)
        if measured is not None and measured.state is State.FAILED:
            yield f"{measured.file} contradicts {check.name}: {check.proves} On AWS: {measured.answer}"
