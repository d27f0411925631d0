"""The file of the page: complete, without network access, within its size limit, and readable without JavaScript."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.web_page.contents import contents
from cicd_templates.deploy.plans.web_page.folding import fold
from cicd_templates.deploy.plans.web_page.page import plan_page
from cicd_templates.functions.change_page import page as web_page
from cicd_templates.functions.change_page.page import script_data
from cicd_templates.template.changes.impact import Change, Detail, Impact
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.policy_diff import PolicyDiff
from tests.hostile.texts import PIECES, hostile_texts
from tests.unit.deploy.plans.test_document import PLAN
from tests.unit.deploy.plans.web_page import planned_changes as changes
from tests.unit.deploy.plans.web_page.planned_changes import PlannedChange
from tests.unit.test_hostile_text import hostile_plan

COUNTS = [pytest.param(len(PIECES) + 40, id="sample"), pytest.param(5000, id="5000", marks=pytest.mark.long)]
MEGABYTE = 1_000_000


class Parsed(HTMLParser):
    """The elements of a page with their attributes, and the text of each kind of element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Sequence[tuple[str, str | None]]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.elements[-1][0] if self.elements else "", []).append(data)

    def attributes(self, name: str) -> set[str | None]:
        return {value for _, attributes in self.elements for key, value in attributes if key == name}

    @property
    def data(self) -> Any:
        """Return the data that the page's script reads."""
        return json.loads(self.texts["script"][0])


def everything(folder: Path) -> Plan:
    return PlannedChange(changes.everything).plan(folder)


def test_the_page_allows_exactly_its_own_script_and_style(tmp_path: Path) -> None:
    page = plan_page([everything(tmp_path)], "make deploy")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy

    for element, directive in (("style", "style-src"), ("script", "script-src")):
        text = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text[0].encode()).digest()).decode()
        assert len(text) == 1
        assert f"{directive} 'sha256-{digest}';" in policy[1]
    assert policy[1].startswith("default-src 'none'; ")
    assert "unsafe" not in policy[1]


def test_the_page_needs_nothing_else_and_makes_no_markup_of_texts(tmp_path: Path) -> None:
    page = plan_page([everything(tmp_path)], "make deploy")
    parsed = Parsed(page)

    assert parsed.attributes("src") | parsed.attributes("href") | parsed.attributes("style") == set()
    assert not any(name.startswith("on") for _, attributes in parsed.elements for name, _ in attributes)
    script = parsed.texts["script"][1]
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch("):
        assert sink not in script
    assert "url(" not in parsed.texts["style"][0]


def test_the_answers_the_facts_and_the_plan_as_text_need_no_script(tmp_path: Path) -> None:
    plan = everything(tmp_path)
    parsed = Parsed(plan_page([plan], "make deploy PLAN=p.json DIGEST=1"))

    assert parsed.texts["h1"][0] == "Plan of staging"
    answers = [text for text in parsed.texts["dd"] if text.strip()]
    assert answers[0].startswith("1 new stack and 5 updated stacks: ")
    assert answers[1].startswith("service-till/Table (AWS::DynamoDB::Table): replaced; a table: deleted.")
    assert answers[2].startswith("These changes allow more access: keys/Key ")
    assert parsed.texts["code"][0] == "make deploy PLAN=p.json DIGEST=1"
    assert "".join(parsed.texts["pre"]).startswith("# Plan of staging\n")
    assert parsed.texts["p"][0].splitlines()[0] == (
        "staging: account 222222222222, eu-central-1, by arn:aws:iam::222222222222:user/ada, revision 4f1c2d9"
    )
    assert parsed.data == json.loads(json.dumps(contents([plan], fold([plan]), 1200)))
    unknown = Parsed(plan_page([replace(plan, caller="", revision="", local=True)], ""))
    assert (
        "staging: account 222222222222, eu-central-1 (local AWS), by unknown, revision unknown" in unknown.texts["p"][0]
    )


def test_the_elements_of_the_page_have_names_for_a_screen_reader() -> None:
    parsed = Parsed(plan_page([PLAN], "make deploy"))
    ids = parsed.attributes("id")

    assert parsed.elements[1] == ("head", [])
    assert ("html", [("lang", "en")]) in parsed.elements
    assert parsed.attributes("aria-labelledby") <= ids
    assert [tag for tag, _ in parsed.elements if tag in ("h1", "h2")][:2] == ["h1", "h2"]
    assert all(("scope", "col") in attributes for tag, attributes in parsed.elements if tag == "th")
    script = (Path(web_page.__file__).parent / "page.js").read_text()
    assert set(re.findall(r'byId\("([\w-]+)"\)', script)) <= ids


@pytest.mark.parametrize(
    ("moved", "sentence", "them"),
    [
        (("a",), "a still uses old values of other stacks", "it"),
        (("a", "b", "c", "d"), "a, b, c and 1 more still use old values of other stacks", "them"),
    ],
)
def test_stacks_that_use_old_values_are_named(moved: tuple[str, ...], sentence: str, them: str) -> None:
    page = plan_page([replace(PLAN, moved=moved)], "")
    assert f"After this deployment, {sentence}, and may not work until you plan and deploy {them} again." in page


@pytest.mark.no_cover
@pytest.mark.parametrize("count", COUNTS)
def test_no_text_is_markup_on_the_page(count: int) -> None:
    expected = Parsed(plan_page([hostile_plan("flask")], "flask")).elements
    elements = [(tag, [name for name, _ in attributes]) for tag, attributes in expected]

    for text in hostile_texts(count):
        page = plan_page([hostile_plan(text)], text)
        parsed = Parsed(page)
        found = [(tag, [name for name, _ in attributes]) for tag, attributes in parsed.elements]
        assert found == elements, repr(text)
        assert all(line.isprintable() for line in page.split("\n")), repr(text)
        assert all(line.isprintable() for line in texts_of(parsed.data)), repr(text)


def texts_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in texts_of(item)]


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--<script>", "&lt;", "\u2028", "]]>"])
def test_json_in_the_page_cannot_end_its_element(text: str) -> None:
    data = script_data({"text": text})

    assert not set(data) & set("<>&\u2028")
    assert json.loads(data) == {"text": text}


def large_plan(stacks: int, value: str) -> Plan:
    """Return a plan of this many stacks with 40 changes each. Each change has values of its own, as long as `value`."""

    def change(stack: int, number: int) -> Change:
        details = (Detail("Properties", f"P{stack}", "", f"a{value}", f"b{value}"),)
        return Change("Modify", f"Resource{number}", "AWS::SQS::Queue", "False", details=details)

    planned = tuple(
        PlannedStack(
            f"s{stack}", f"s{stack}", "s", change_set="arn",
            changes=tuple(change(stack, number) for number in range(40)),
            impacts=(Impact("safe"),) * 40,
            grants={f"Resource{number}": PolicyDiff((f"allow {number}",), (), True) for number in range(40)},
        )
        for stack in range(stacks)
    )  # fmt: skip
    return replace(PLAN, stacks=planned)


def shown_characters(page: str) -> int:
    parts = Parsed(page).data["rows"][0]["values"][0]["parts"]
    return len(parts[0][1].partition("…")[0])


@pytest.mark.no_cover
def test_a_plan_of_thirty_stacks_is_below_two_megabytes() -> None:
    page = plan_page([large_plan(30, "x" * 500)], "make deploy")

    assert len(Parsed(page).data["rows"]) == 30 * 40
    assert shown_characters(page) == 200
    assert len(page.encode()) < 2 * MEGABYTE


@pytest.mark.parametrize(("largest", "shown"), [(200_000, 1200), (100_000, 200), (1, 40)])
def test_the_more_a_page_has_to_show_the_shorter_are_its_values(
    largest: int, shown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_page, "LARGEST_DATA", largest)

    assert shown_characters(plan_page([large_plan(1, "x" * 5000)], "make deploy")) == shown


def test_a_very_long_plan_is_cut_where_it_is_shown_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_page, "LONGEST_TEXT", 10)

    text = Parsed(plan_page([PLAN], "make deploy")).texts["pre"][0]
    assert text.startswith("# Plan of… (")
    assert text.endswith(" more characters are in the plan file)")
