"""The page in a real browser: layout, contrast, use with the keyboard, and the export of marks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.deploy.change_sets.drift import DriftedResource, PropertyDrift, StackDrift
from cicd_templates.deploy.plans import document
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.web_page.page import plan_page
from tests.hostile.texts import PIECES
from tests.unit.deploy.plans.web_page import planned_changes as changes
from tests.unit.deploy.plans.web_page.browser import MISSING, TAB, Browser, browser
from tests.unit.deploy.plans.web_page.planned_changes import SERVICES_40, PlannedChange
from tests.unit.deploy.plans.web_page.ten_changes import TEN_CHANGES
from tests.unit.deploy.plans.web_page.test_access import READS
from tests.unit.deploy.plans.web_page.test_access import plan as plan_with
from tests.unit.functions.test_approval_page import change, page_of, role
from tests.unit.test_hostile_text import hostile_plan

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed here: {', '.join(MISSING)} (Debian: chromium-driver)"),
]
LEAST_CONTRAST = 4.5
# The texts that are visible, with the contrast of each to its background:
# https://www.w3.org/TR/WCAG22/#contrast-minimum
CONTRASTS = """
const luminance = (colour) => {
  const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
  const linear = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};
const background = (node) => {
  const colour = getComputedStyle(node).backgroundColor;
  return colour !== "rgba(0, 0, 0, 0)" || !node.parentElement ? colour : background(node.parentElement);
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const found = [];
while (texts.nextNode()) {
  const parent = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || !parent.checkVisibility() || parent.closest("button:disabled")) continue;
  const [one, other] = [getComputedStyle(parent).color, background(parent)].map(luminance).sort((a, b) => b - a);
  found.push([(one + 0.05) / (other + 0.05), texts.currentNode.data.slice(0, 60)]);
}
return found;
"""
OPEN_ALL = "document.querySelectorAll('details').forEach((details) => { details.open = true; });"
FOCUSED = "const at = document.activeElement; return [at.tagName, at.textContent || at.parentElement.textContent];"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as window:
        yield window


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return PlannedChange(changes.everything).plan(tmp_path / "state")


def written(folder: Path, *plans: Plan) -> Path:
    path = folder / "staging.html"
    path.write_text(plan_page(plans, "make deploy PLAN=.state/plans/staging.json"))
    return path


def rows(window: Browser) -> list[str]:
    shown: list[str] = window.run(
        "return [...document.querySelectorAll('#rows > li:not([hidden]) h3')].map((heading) => heading.textContent);"
    )
    return shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everything_fits_and_can_be_read(window: Browser, tmp_path: Path, plan: Plan, width: int, scheme: str) -> None:
    window.open(written(tmp_path, plan), width, scheme)
    window.run(OPEN_ALL)

    assert window.run("return document.documentElement.scrollWidth;") == width
    contrasts = window.run(CONTRASTS)
    assert len(contrasts) > 100
    assert [text for contrast, text in contrasts if contrast < LEAST_CONTRAST] == []
    assert window.run("return getComputedStyle(document.body).backgroundColor;") == (
        "rgb(251, 250, 248)" if scheme == "light" else "rgb(22, 23, 26)"
    )
    assert window.messages() == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_of_an_approval_fits_and_shows_its_rows(window: Browser, tmp_path: Path, width: int) -> None:
    long = ("s3:GetObject", f"s3:{'Put' * 60}")
    described = change("Modify", "TaskRole", "AWS::IAM::Role", before=role("s3:GetObject"), after=role(*long))
    lost = change("Remove", "Table", "AWS::DynamoDB::Table", before={}, PolicyAction="Delete")
    path = tmp_path / "page.html"
    path.write_text(page_of(described, lost, facts=(f"change set arn:aws:cloudformation:{'a' * 200}",)).html)
    window.open(path, width)
    window.run(OPEN_ALL)

    assert rows(window) == ["service-till/Table", "service-till/TaskRole"]
    assert window.run("return document.scrollingElement.scrollWidth;") == width
    assert [text for contrast, text in window.run(CONTRASTS) if contrast < LEAST_CONTRAST] == []
    assert window.messages() == []


def test_forty_services_in_three_environments_fit_on_a_telephone(window: Browser, tmp_path: Path) -> None:
    change = PlannedChange(changes.scale_services, services=SERVICES_40)
    plans = [
        PlannedChange(change.edit, change.services, environment=name).plan(tmp_path / name)
        for name in ("dev", "staging", "production")
    ]
    window.open(written(tmp_path, *plans), 390)
    window.run(OPEN_ALL)

    assert rows(window) == ["service-{service}/Service"]
    assert window.run("return document.querySelectorAll('.places li').length;") == 120
    assert window.run("return document.documentElement.scrollWidth;") == 390
    assert window.messages() == []


def test_the_keyboard_reaches_everything_in_the_order_of_reading(window: Browser, tmp_path: Path, plan: Plan) -> None:
    window.open(written(tmp_path, plan), 1280)
    reached = []
    for _ in range(7):
        window.press(TAB)
        reached.append(window.run(FOCUSED))

    buttons = ["data loss", "access", "replaced", "Open all", "Export marks"]
    assert [text.split(" (")[0] for _, text in reached[:5]] == buttons
    assert [tag for tag, _ in reached[5:]] == ["SUMMARY", "INPUT"]
    assert reached[6][1] == "seen: service-till/Table"
    assert window.run("return getComputedStyle(document.activeElement).outlineStyle;") == "solid"
    window.press(" ")
    assert window.run("return document.getElementById('count').textContent;") == "8 of 8 shown, 1 of 8 seen"


def test_filters_show_only_the_rows_that_they_name(window: Browser, tmp_path: Path, plan: Plan) -> None:
    window.open(written(tmp_path, plan), 1280)

    def press(name: str) -> list[str]:
        window.run(
            "const buttons = [...document.querySelectorAll('#filters button')];"
            "buttons.find((button) => button.textContent.startsWith(arguments[0])).click();",
            name,
        )
        return rows(window)

    assert len(rows(window)) == 8
    assert press("data loss") == ["service-till/Table", "storage/Uploads"]
    with_access = ["keys/Key", "service-till/TaskRole", "service-locker"]
    assert press("access") == ["service-till/Table", "storage/Uploads", *with_access]
    assert press("data loss") == with_access
    assert len(press("access")) == 8
    without_rows = "[...document.querySelectorAll('#filters button:disabled')].map((button) => button.textContent)"
    assert window.run(f"return {without_rows};") == ["perhaps replaced (none known)", "interruption (none known)"]


def test_the_page_of_several_environments_has_a_filter_for_each(window: Browser, tmp_path: Path, plan: Plan) -> None:
    other = PlannedChange(changes.replace_table, environment="live").plan(tmp_path / "live")
    window.open(written(tmp_path, plan, other), 390)
    names = "return [...document.querySelectorAll('#filters button')].map((each) => each.textContent);"
    press = (
        "[...document.querySelectorAll('#filters button')].find((each) => each.textContent === arguments[0]).click();"
    )
    (staging, live), everything = window.run(names)[:2], rows(window)

    assert (staging.partition(" ")[0], live) == ("staging", "live (1)")
    window.run(press, live)
    assert rows(window) == ["service-till/Table"]
    window.run(press, staging)
    assert len(rows(window)) == len(everything)
    window.run(press, staging)
    window.run(press, live)
    assert rows(window) == everything
    assert window.run("return document.documentElement.scrollWidth;") == 390
    assert window.messages() == []


def test_what_was_changed_by_hand_is_shown_with_its_difference(window: Browser, tmp_path: Path, plan: Plan) -> None:
    policy = json.dumps({"Statement": [{"Sid": "Administer", "Action": "kms:*", "Principal": "*"}] * 8})
    changed = (
        PropertyDrift("/EnableKeyRotation", "true", "false"),
        PropertyDrift("/KeyPolicy", policy, policy.replace("Administer", "Administer-by-hand", 1)),
    )
    key = DriftedResource("Key", "AWS::KMS::Key", "out/staging/keys.yaml:7", "MODIFIED", changed)
    topic = DriftedResource("Topic", "AWS::SNS::Topic", "out/staging/notifications.yaml:9", "DELETED")
    drift = (StackDrift("keys", (key,)), StackDrift("notifications", (topic,)))
    for width in (1280, 390):
        window.open(written(tmp_path, replace(plan, drift=drift)), width)
        window.run(OPEN_ALL)

        assert window.run("return document.documentElement.scrollWidth;") == width
        assert [text for contrast, text in window.run(CONTRASTS) if contrast < LEAST_CONTRAST] == []
    shown = window.run("return [...document.querySelectorAll('#drifted h3')].map((each) => each.textContent);")
    assert shown == ["keys/Key", "notifications/Topic"]
    inserted = window.run("return [...document.querySelectorAll('#drifted ins')].map((each) => each.textContent);")
    assert inserted == ["false", "Administer-by-hand"]
    assert window.messages() == []


def marks_after_reopening(window: Browser, page: Path) -> list[bool]:
    """Return the marks on `page` in a new document. Chromium passes a stored mark to other documents with a delay."""
    deadline = time.monotonic() + 10
    while True:
        window.open(page, 1280)
        marks: list[bool] = window.run("return [...document.querySelectorAll('#rows input')].map((box) => box.checked)")
        if any(marks) or time.monotonic() > deadline:
            return marks
        time.sleep(0.2)


def exported(folder: Path, name: str) -> Any:
    deadline = time.monotonic() + 10
    while not (folder / name).exists():
        assert time.monotonic() < deadline, f"no {name} was saved"
        time.sleep(0.05)  # a browser saves a file in the background and notifies nobody
    return json.loads((folder / name).read_text())


def test_marks_stay_and_are_exported_with_the_digest(window: Browser, tmp_path: Path, plan: Plan) -> None:
    page = written(tmp_path, plan)
    window.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    window.open(page, 1280)
    window.run("localStorage.clear(); document.querySelectorAll('#rows input')[1].click();")
    assert marks_after_reopening(window, page)[:3] == [False, True, False]
    window.run("document.getElementById('export').click();")
    marks = exported(tmp_path, "seen-in-staging.json")

    assert marks["plans"] == [{"environment": "staging", "digest": document.digest(plan)}]
    assert marks["seen"] == ["storage/Uploads"]
    assert "service-till/Table" in marks["unseen"]
    assert len(marks["unseen"]) == 11
    assert window.messages() == []


def test_a_printed_page_has_every_row_open(window: Browser, tmp_path: Path, plan: Plan) -> None:
    window.open(written(tmp_path, plan), 1280)
    opened = "return document.querySelectorAll('details[open]').length;"
    window.run("window.dispatchEvent(new Event('beforeprint'));")
    assert window.run("return document.querySelectorAll('details:not([open])').length;") == 0
    window.run("window.dispatchEvent(new Event('afterprint'));")

    assert window.run(opened) == 0
    assert window.command("Page.printToPDF")["data"]


def test_hostile_texts_are_only_texts(window: Browser, tmp_path: Path) -> None:
    text = "".join(PIECES)
    elements = "return [...new Set([...document.querySelectorAll('*')].map((element) => element.tagName))].sort();"
    window.open(written(tmp_path, hostile_plan("flask")), 390)
    window.run(OPEN_ALL)
    expected = window.run(elements)
    window.open(written(tmp_path, hostile_plan(text)), 390)
    window.run(OPEN_ALL)

    assert set(window.run(elements)) <= set(expected)
    assert "<script>alert(1)</script>" in window.run("return document.querySelector('h3').textContent;")
    assert window.run("return document.documentElement.scrollWidth;") == 390
    assert window.messages() == []


def test_the_page_refuses_markup_and_requests_even_if_its_script_asks_for_them(
    window: Browser, tmp_path: Path, plan: Plan
) -> None:
    window.open(written(tmp_path, plan), 1280)
    window.run("const image = new Image(); image.src = 'https://127.0.0.1:1/x'; document.body.append(image);")
    error = window.run("try { document.body.innerHTML = '<b>x</b>'; } catch (error) { return error.name; }")

    assert error == "TypeError"
    assert any("Content Security Policy" in message for message in window.messages())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_drawing_fits_and_has_a_text_for_those_who_cannot_see_it(
    window: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    page = tmp_path / "new-service.html"
    page.write_text(next(change for change in TEN_CHANGES if change.name == "new service").page(tmp_path))
    window.open(page, width, scheme)
    drawn = window.run(
        "const box = document.querySelector('#drawing svg').getBoundingClientRect();"
        "const out = [...document.querySelectorAll('#drawing text, #drawing rect')].filter((each) => {"
        "  const at = each.getBoundingClientRect();"
        "  return at.left < box.left - 1 || at.right > box.right + 1 || at.bottom > box.bottom + 1; });"
        "return [box.width <= innerWidth, out.map((each) => each.textContent),"
        "  document.querySelector('#drawing title').textContent];"
    )

    assert drawn[:2] == [True, []]
    assert drawn[2].startswith("Permissions that change: ")
    assert window.run("return document.querySelectorAll('#paths li').length;") > 2
    assert window.run("return document.documentElement.scrollWidth;") == width
    assert [text for contrast, text in window.run(CONTRASTS) if contrast < LEAST_CONTRAST] == []
    assert window.messages() == []


@pytest.mark.parametrize(
    ("changed", "same", "expected"),
    [
        (101, 150, ["and 1 more line", "150 ways stay as they are", "and 50 more lines"]),
        (102, 1, ["and 2 more lines", "1 way stays as it is", "role-0 reads s3:::uploads/* (live, 222222222222)"]),
    ],
)
def test_both_lists_of_ways_say_how_many_lines_they_leave_out(
    window: Browser, tmp_path: Path, changed: int, same: int, expected: list[str]
) -> None:
    ways = [
        replace(READS, principal=f"role-{number}", change=change)
        for change, count in (("new", changed), ("same", same))
        for number in range(count)
    ]
    window.open(written(tmp_path, plan_with(*ways)), 1280)

    shown = window.run(
        "return ['#paths > li:last-child', '#access-same summary', '#access-same li:last-child']"
        ".map((place) => document.querySelector(place).textContent);"
    )
    assert shown == expected
