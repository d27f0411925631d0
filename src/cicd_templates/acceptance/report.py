"""Writes the report of a run, as Markdown and as JSON. Identifying values, such as account ids, are replaced."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd_templates.acceptance.check import Check, LocalCoverage, State
from cicd_templates.acceptance.journal import Journal
from cicd_templates.acceptance.project import EnvironmentAccess
from cicd_templates.markdown import Markup, cell

FORMAT = 1
# An account id is a number of twelve digits, also inside a name. The end of a UUID can look the same, but is no account
# id.
UUID = r"(?<![0-9a-fA-F-])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9a-fA-F-])"
ACCOUNT = re.compile(rf"(?P<uuid>{UUID})|(?<!\d)\d{{12}}(?!\d)")
ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
ARN = re.compile(r"\barn:[\w-]+:[\w-]+:[\w-]*:[^\s,;)\]]*")
PATH = re.compile(r"(?<![\w.])/(?:[\w.@+-]+/)+[\w.@+-]*")
LONG = re.compile(r"[A-Za-z0-9+/=_-]{40,}")
ANSWER_LENGTH = 400


@dataclass(frozen=True)
class Row:
    """One check in the report.

    `proves` is the statement that the check should prove. If the check passed, `counts_as` says whether the check
    proved this statement or only ran its steps.
    """

    name: str
    proves: str
    state: State
    counts_as: str
    answer: str
    seconds: float
    began: str


@dataclass(frozen=True)
class Report:
    """The report of a run: its times, the kind of AWS (real or local), its checks, and the versions of this tool and
    Python.
    """

    version: str
    python: str
    local: bool
    accounts: int
    regions: Sequence[str]
    began: str
    ended: str
    rows: Sequence[Row]

    def having(self, state: State) -> list[Row]:
        """Return the rows of the checks with this `state`."""
        return [row for row in self.rows if row.state is state]


def redacted(text: str, journal: Journal, known: Mapping[str, str]) -> str:
    """Return a text without identifying values: account ids, ARNs, the run's names, addresses, file paths and long
    secrets.

    `known` maps further identifying values to their replacements.
    """
    # ARNs are replaced first, because they contain some of the known values.
    text = ARN.sub("(an ARN)", " ".join(text.split()))
    for value in sorted(known, key=len, reverse=True):
        # Replace only complete words, because a profile can have a name such as `a`.
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", known[value], text)
    for pattern, word in (
        (ACCESS_KEY, "(an access key)"),
        (EMAIL, "(an address)"),
        (PATH, "(a file)"),
        (LONG, "(a long text)"),
    ):
        text = pattern.sub(word, text)
    text = ACCOUNT.sub(lambda match: match["uuid"] or "(an account)", text)
    return text.replace(f"-{journal.suffix}", "")[:ANSWER_LENGTH]


def known_values(accesses: Iterable[EnvironmentAccess]) -> dict[str, str]:
    """Return the accounts, profiles, role names and external ids of a run, each with its replacement in the report."""
    known: dict[str, str] = {}
    for access in accesses:
        role = (access.role_arn or "").partition(":role/")[2]
        for value, word in (
            (access.account, "(an account)"),
            (access.caller_account, "(an account)"),
            (access.profile, "(a profile)"),
            (role, "(a role)"),
            (role.rpartition("/")[2], "(a role)"),
            (access.external_id, "(an external id)"),
        ):
            if value:
                known[value] = word
    return known


def report_of(
    checks: Sequence[Check],
    journal: Journal,
    accesses: Iterable[EnvironmentAccess],
    *,
    version: str,
    python: str,
    ended: str,
) -> Report:
    """Return the report of a run.

    The report does not show the values in `accesses`: the accounts, profiles, role names and external ids.
    """
    known = known_values(accesses)
    rows = []
    for check in checks:
        entry = journal.entries[check.name]
        coverage = check.local_coverage if journal.local else LocalCoverage.PROVEN
        counts_as = coverage.value if entry.state is State.PASSED else ""
        answer = redacted(entry.answer, journal, known)
        if counts_as == LocalCoverage.STEPS_ONLY.value:
            answer = f"{answer}. Not shown: {check.local_limit}"
        rows.append(Row(check.name, check.proves, entry.state, counts_as, answer, entry.seconds, entry.began))
    where = [account.partition(" ") for account in journal.accounts.values()]
    accounts, regions = {account for account, _, _ in where}, sorted({region for _, _, region in where})
    return Report(version, python, journal.local, len(accounts), regions, journal.began, ended, rows)


def as_json(report: Report) -> str:
    """Return the report as JSON, for programs."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": report.version,
        "python": report.python,
        "aws": "local" if report.local else "real",
        "accounts": report.accounts,
        "regions": list(report.regions),
        "began": report.began,
        "ended": report.ended,
        "checks": [vars(row) for row in report.rows],
    }
    return json.dumps(document, indent=2) + "\n"


def as_markdown(report: Report) -> str:
    """Return the report as Markdown, for a reader who does not know the project."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield "# Acceptance report"
    yield ""
    if report.local:
        yield "**This run used a local AWS, which imitates AWS on one machine. Nothing in it was measured on AWS.**"
    else:
        plural = "account" if report.accounts == 1 else "accounts"
        yield f"**This run used AWS, in {report.accounts} {plural}.**"
    yield ""
    yield "cicd-templates renders CloudFormation templates of a pipeline, which builds, scans, signs and deploys an"
    yield "application to staging and, after an approval, to production. It also has the commands that deploy these"
    yield "templates, examine them and destroy what they made. This report says which parts were proven, and how."
    yield ""
    yield f"- Regions: {', '.join(report.regions)}"
    yield f"- Version {report.version}, Python {report.python}"
    yield f"- From {report.began} to {report.ended} (UTC)"
    yield f"- {len(report.rows)} checks: {', '.join(_counts(report))}"
    sections = (
        ("Failed", "These do not work as the documents say.", report.having(State.FAILED)),
        (
            "Proven on the local AWS" if report.local else "Proven",
            "Each of these checks ran, and its result was compared with the expected result.",
            _passed(report, LocalCoverage.PROVEN),
        ),
        (
            "Walked through",
            "These checks ran without an error. But the local AWS does not have the behaviour that they test, so they "
            "prove little. The answer of each check says what it did not prove.",
            _passed(report, LocalCoverage.STEPS_ONLY),
        ),
        (
            "Not run",
            "Nothing is known about these.",
            [row for row in report.rows if row.state in (State.SKIPPED, State.WAITING, State.NOT_POSSIBLE)],
        ),
    )
    for title, meaning, rows in sections:
        if rows:
            yield from ("", f"## {title}", "", meaning, "", "| Check | What it is about | Answer | Seconds |")
            yield "|---|---|---|---|"
            for row in rows:
                yield f"| {row.name} | {Markup(row.proves)} | {cell(_answer(row))} | {row.seconds:.0f} |"


def _answer(row: Row) -> str:
    words = {State.SKIPPED: "skipped", State.WAITING: "waits", State.NOT_POSSIBLE: "not possible on the local AWS"}
    return f"{words[row.state]}: {row.answer}" if row.state in words else row.answer


def _passed(report: Report, coverage: LocalCoverage) -> list[Row]:
    return [row for row in report.having(State.PASSED) if row.counts_as == coverage.value]


def _counts(report: Report) -> Iterator[str]:
    for coverage in (LocalCoverage.PROVEN, LocalCoverage.STEPS_ONLY):
        if rows := _passed(report, coverage):
            yield f"{len(rows)} {'proven' if coverage is LocalCoverage.PROVEN else coverage.value}"
    yield f"{len(report.having(State.FAILED))} failed"
    for state in (State.SKIPPED, State.WAITING, State.NOT_POSSIBLE):
        if rows := report.having(state):
            yield f"{len(rows)} {state.value}"
