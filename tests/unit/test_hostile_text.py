"""Hostile text in every displayed field: no control character remains, and only our templates create Markdown."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console

from cicd_templates.cli import terminal
from cicd_templates.deploy.change_sets.drift import DriftedResource, PropertyDrift, StackDrift
from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.deploy.diagnosis.diagnose import Diagnosis
from cicd_templates.deploy.plans.comment import comment
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.page import plan_markdown
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.inventory_items import Fate, Item, Remainder
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.functions.scan_gate.decide import decide
from cicd_templates.functions.scan_gate.policy import Policy
from cicd_templates.functions.scan_gate.reading import Finding, Report
from cicd_templates.functions.scan_gate.summary import summary
from cicd_templates.functions.scan_gate.untrusted_text import one_line
from cicd_templates.functions.scan_gate.waivers import Waiver
from cicd_templates.markdown import cell, code, plain, table, table_row
from cicd_templates.rehearsal.grants import GrantedAction, GrantUse
from cicd_templates.rehearsal.report import matrix
from cicd_templates.render.github_workflow import workflow
from cicd_templates.review.changes import template_changes
from cicd_templates.review.changes_page import markdown
from cicd_templates.review.reviewed_stacks import review_stacks
from cicd_templates.template.changes.impact import Change as PlannedChange
from cicd_templates.template.changes.impact import Detail, Impact
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.policy_diff import PolicyDiff
from tests.conftest import environment
from tests.hostile.texts import PIECES, hostile_texts
from tests.unit.deploy.plans.test_document import PLAN
from tests.unit.review.conftest import resource, stack_of, statement

# Random text must not decide about coverage, and measuring doubles the time.
pytestmark = pytest.mark.no_cover
COUNTS = [pytest.param(len(PIECES) + 40, id="sample"), pytest.param(5000, id="5000", marks=pytest.mark.long)]
TODAY = date(2026, 11, 27)
# What opens a block or changes what a reader sees; code spans are left out, because a mention becomes one.
STRUCTURE = ("_open", "image", "html_block", "html_inline", "fence", "code_block", "hr")
# Escaped characters stay tokens of their own, as a viewer that makes links of bare addresses sees them.
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("text_join")


def structure(blocks: list[Token]) -> Counter[str]:
    tokens = (token for block in blocks for token in (block, *(block.children or ())))
    return Counter(token.type for token in tokens if token.type.endswith(STRUCTURE))


def assert_no_active_text(page: str, blocks: list[Token]) -> None:
    """Assert that no viewer makes a mention or a link of a text in `blocks`, into which `page` was parsed."""
    for block in blocks:
        shown = "".join(token.content if token.type.startswith("text") else "\0" for token in block.children or ())
        assert not re.search(r"[@#]\w|GH-\d", shown, re.IGNORECASE), shown
        for token in block.children or ():
            assert token.type != "text" or not re.search(r"://|www\.", token.content, re.IGNORECASE), page


def decision_about(text: str) -> str:
    """Return the summary of a release in which `text` is the value of every field of findings, waivers and reports."""
    found = Finding(
        text, text, "high", "high", title=text, package=text or "p", version=text, file=text, line=3, fix=text
    )
    elsewhere = Finding("t", "B602", "high", "high", title=text, file=text, line=3)
    accepted = Finding("t", "B1", "high", "high", title=text, package="p")
    waivers = [
        Waiver(text, text, text, date(2026, 1, 1), package=text or "p"),
        Waiver("B1", text, text, TODAY, package="p"),
        Waiver(text, text, text, TODAY, package="another"),
        Waiver("other", text, text, TODAY, path=text),
    ]
    reports = {"snyk": Report(findings=[found, elsewhere, accepted]), "bandit": Report(status="error", reason=text)}
    return summary(decide(["snyk", "bandit"], reports, Policy(waivers=waivers), TODAY))


def hostile_plan(text: str) -> Plan:
    """Return a plan in which `text` is the value of every field."""
    changed = PlannedChange("Modify", text, text, "False", details=(Detail("Properties", text, "", "a", text),))
    lost = PlannedChange("Remove", text, text, "False")
    stack = PlannedStack(
        text,
        text,
        text,
        change_set="arn",
        changes=(changed, lost),
        impacts=(Impact("interruption", why=text), Impact("deletion", holds=text, fate=text)),
        grants={text: PolicyDiff((text,), (text,), True)},
        findings=(text,),
        longest_wait_seconds=60.0,
        # A template is a file in UTF-8, so its service has no lone surrogate.
        service=text.encode(errors="replace").decode(),
        file=text,
        lines={text: 3},
    )
    about = dict.fromkeys(("environment", "account", "region", "caller", "revision"), text)
    stacks = (stack, PlannedStack(text, text, "s"))
    resources = (
        DriftedResource(text, text, text, "MODIFIED", (PropertyDrift(text, "a", text),)),
        DriftedResource(text, text, text, "UNKNOWN", reason=text),
    )
    drift = (StackDrift(text, resources, {text: 1}, problem=text),)
    return replace(PLAN, **about, stacks=stacks, waits={text: (text,)}, removed=(text,), drift=drift)  # type: ignore[arg-type] # only texts


def comment_about(text: str) -> str:
    return comment([hostile_plan(text)], "# Review\n\nNo changes.\n", text, [text])


def plan_about(text: str) -> str:
    return plan_markdown(hostile_plan(text))


def review_about(text: str) -> str:
    """Return the changes between two templates that contain `text`."""
    policy = resource("X::Policy", PolicyDocument={"Statement": [statement(text, "s3:Get", Principal={"AWS": [text]})]})
    before = stack_of({"Same": resource("X::Y", Name="a"), "Gone": resource("X::Y"), "Policy": resource("X::Policy")})
    after = stack_of({"Same": resource("X::Y", Name=f"b {text}", Tag={f"k{text}": text}), "Policy": policy})
    found = template_changes(
        review_stacks([before]), review_stacks([after]), lambda region, kind: (frozenset(), frozenset())
    )
    renamed = [replace(change, environment=f"e{text}", where=f"w{text}") for change in found]
    return markdown(f"Since {text}", [*found, *renamed], 2)


def grants_about(text: str) -> str:
    return matrix([GrantedAction(text, text, text, text, 1, GrantUse.USED, text)])


def places_about(text: str) -> str:
    """Yield every kind of place on a page."""
    bullets = [f"- {plain(text)}", f"- **{plain(text)}**: {plain(text)}", f"- x {code(text)} {cell(text)}"]
    page = [f"# {plain(text)}", "", plain(text), "", *bullets, "", *table((cell(text), "head"), [(text, text)])]
    return "\n".join([*page, table_row([text, text])])


PAGES: list[Callable[[str], str]] = [
    places_about,
    decision_about,
    plan_about,
    comment_about,
    review_about,
    grants_about,
]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.__name__)
def test_no_text_is_markdown_on_a_page(page: Callable[[str], str], count: int) -> None:
    harmless = structure(PARSER.parse(page("flask")))

    for text in hostile_texts(count):
        shown = page(text)
        assert all(line.isprintable() for line in shown.split("\n")), repr(text)
        blocks = PARSER.parse(shown)
        assert structure(blocks) <= harmless, (text, shown)
        assert_no_active_text(shown, blocks)


def events(text: str) -> list[report.Event]:
    """Yield each event with `text` in every field."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    planned = PlannedStack(
        text,
        text,
        text,
        change_set="arn",
        changes=(PlannedChange("Modify", text, text, "False", details=(Detail("P", text, "", "a", text),)),),
        impacts=(Impact("interruption", why=text),),
        grants={text: PolicyDiff((text,), (text,), True)},
        findings=(text,),
    )
    return [
        report.Heading(text, text, text, text, text or "x"),
        report.Planned(text, planned),
        report.Unchanged(text),
        report.Waits(text, (text,)),
        report.Started(text, True, 5.0),
        report.Moved(text, ResourceEvent(text, at, text, text, "CREATE_FAILED", text)),
        report.Broke(text, text, Diagnosis(text, "out/keys.yaml:3", (text,), (text,)), "keys.jsonl"),
        report.Succeeded(text, text, 1.0, 1),
        report.Sealed("p.json", text, text, True, (text,)),
        report.Note(text),
        report.Inventoried(text, (Item("AWS::S3::Bucket", text, Fate.RETAINED, text, f"x{text}"),)),
        report.Left(text, (Remainder(text, text, text, False, f"x{text}"),)),
    ]


@pytest.mark.no_cover
@pytest.mark.parametrize("count", COUNTS)
def test_no_text_steers_a_terminal_or_adds_a_line(count: int) -> None:
    def shown(text: str) -> tuple[str, str, str]:
        plain_stream, screen, machine = io.StringIO(), io.StringIO(), io.StringIO()
        console = Console(file=screen, width=100_000, force_terminal=False)
        for reporter in (
            report.PlainReporter(plain_stream),
            report.TerminalReporter(console),
            report.JsonReporter(machine),
        ):
            for event in events(text):
                reporter.report(event)
        return plain_stream.getvalue(), screen.getvalue(), machine.getvalue()

    expected = [text.count("\n") for text in shown("flask")]
    for text in hostile_texts(count):
        outputs = shown(text)
        assert [output.count("\n") for output in outputs] == expected, repr(text)
        assert all(line.isprintable() for output in outputs for line in output.split("\n")), repr(text)
        assert all(":smile:" in output and "[red]" in output for output in outputs if ":smile:[red]" in text)


@pytest.mark.parametrize("count", COUNTS)
def test_no_text_of_the_command_line_escapes_the_printing_modules(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in hostile_texts(count):
        terminal.show(f"x{text}")
        terminal.show_page(json.dumps(text))
        terminal.show_error(CicdError(f"x{text}"))
        printed, errors = capsys.readouterr()
        assert len(printed.split("\n")) == 3
        assert f"{printed}{errors}".replace("\n", "").isprintable()
        first, *others = errors.rstrip("\n").split("\n")
        assert first.startswith("error: ")
        assert all(line.startswith("  ") for line in others)


@pytest.mark.parametrize("count", COUNTS)
def test_a_failure_message_is_plain_text(count: int) -> None:
    from cicd_templates.functions import job_failures

    for text in hostile_texts(count):
        assert one_line(text, 50).isprintable()
        assert len(one_line(text, 50)) <= 53
        assert job_failures.one_line(text).isprintable()


@pytest.mark.parametrize("count", COUNTS)
def test_no_value_breaks_out_of_a_workflow(count: int) -> None:
    """Also one that the configuration would refuse, should its pattern be widened one day."""
    tools = environment("tools")
    service = tools.services[0]

    for text in hostile_texts(count):
        github = service.settings.github.model_copy(update={"branch": text, "repository": text})
        settings = service.settings.model_copy(update={"github": github, "path": text})
        changed = service._replace(settings=settings)
        if "${{" in text:
            with pytest.raises(ConfigurationError, match="an expression of GitHub Actions"):
                workflow(tools, changed)
            continue
        content = workflow(tools, changed)
        assert all(line.isprintable() for line in content.split("\n")), repr(text)
        read = yaml.safe_load(content)
        assert set(read) == {"name", True, "permissions", "jobs"}
        assert len(read["jobs"]["release"]["steps"]) == 2
        assert read[True]["push"]["branches"] == [text]


@pytest.mark.parametrize("branch", ["1.0", "on", "null", "main", "a: b", "[x]", "# x"])
def test_a_branch_is_a_string_whatever_it_looks_like(branch: str) -> None:
    tools = environment("tools")
    service = tools.services[0]
    github = service.settings.github.model_copy(update={"branch": branch})
    changed = service._replace(settings=service.settings.model_copy(update={"github": github}))

    assert yaml.safe_load(workflow(tools, changed))[True]["push"]["branches"] == [branch]
