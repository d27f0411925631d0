"""The comment on a pull request: three lines, then folded sections, each statement once, and never too long."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cicd_templates.deploy.plans.comment import NO_PLAN, comment
from cicd_templates.deploy.plans.comment_size import LONGEST_COMMENT, Section, fit
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.review import changes_page
from cicd_templates.template.changes.impact import Change, Detail, Impact
from cicd_templates.template.policy_diff import PolicyDiff
from tests.fakes.rendered_stacks import rendered
from tests.unit.deploy.plans.test_document import PLAN, STORAGE
from tests.unit.deploy.plans.web_page import planned_changes as changes
from tests.unit.deploy.plans.web_page.planned_changes import SERVICES_40, PlannedChange
from tests.unit.test_hostile_text import hostile_plan

REVIEW = (
    "# What changes in out/ since main\n\n1 of 9 stacks: 1 changed.\n\n## Changed (1)\n\n- **staging** `a.B`: now c\n"
)
GITHUB_LIMIT = 65_535


def section(text: str, title: str) -> str:
    found = re.search(rf"<summary>{title}[^<]*</summary>\n\n(.*?)\n\n</details>", text, re.DOTALL)
    assert found, title
    return found[1]


def test_three_lines_come_before_everything_that_is_folded(tmp_path: Path) -> None:
    text = comment([PlannedChange(changes.everything).plan(tmp_path)], REVIEW, "main")
    outside = text[: text.index("<details>")].splitlines()

    assert outside[0] == "## Plan of staging"
    assert [line.partition("**:")[0] for line in outside if line.startswith("- ")] == [
        "- **What changes",
        "- **What is lost",
        "- **Who can do more",
    ]
    assert "service-till/Table" in outside[3]
    assert re.findall("<summary>([A-Z][a-z]+)", text) == ["Changes", "Policy", "Stacks", "What"]


def test_the_worst_change_comes_first_with_its_values_and_the_fate_of_its_data(tmp_path: Path) -> None:
    text = comment([PlannedChange(changes.everything).plan(tmp_path)], REVIEW, "main")
    head, _, *rows = section(text, "Changes").splitlines()

    assert head == "| effect | resource | where | notes |"
    assert rows[0] == (
        "| **replaced** | service-till/Table (DynamoDB::Table) | staging<br>out/staging/service-till.yaml:1 |"
        " a table: deleted<br>TableName: shipping-staging-till → shipping-staging-orders<br>Tags/Owner: nothing →"
        " payments<br>up to 3 h |"
    )
    assert rows[-1].startswith("| modified, only tags |")
    assert "| KeyPolicy: nothing → , {" in rows[2], rows[2]


def test_equal_changes_of_environments_and_services_are_one_line() -> None:
    detail = Detail("Properties", "Count", "/Properties/Count", "2", "3")
    change = Change("Modify", "Service", "AWS::ECS::Service", "False", details=(detail,))

    def plan(environment: str) -> Plan:
        stacks = [
            replace(
                STORAGE,
                name=f"shop-{environment}-service-{service}",
                label=f"service-{service}",
                service=service,
                file=f"out/{environment}/service-{service}.yaml",
                changes=(change,),
                impacts=(Impact("safe"),),
                grants={"Service": PolicyDiff(("allow a on b",), (), True)},
            )
            for service in SERVICES_40
        ]
        return replace(PLAN, environment=environment, suffix="", stacks=tuple(stacks), waits={})

    text = comment([plan(name) for name in ("dev", "staging", "production")], REVIEW, "main")

    assert section(text, "Changes").splitlines()[2:] == [
        "| **modified, wider access** | service-{service}/Service (ECS::Service) | 3 environments, 40 services: the"
        " same<br>the first: out/dev/service-shop-00.yaml | Count: 2 → 3<br>up to 5 min |"
    ]
    assert section(text, "Policy") == (
        "- **now**: allow a on b (service-{service}/Service, 3 environments, 40 services: the same)"
    )
    assert len(text.encode()) < 20_000


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("edit", "services"),
    [
        pytest.param(changes.everything, SERVICES_40, id="40 services that change alike"),
        pytest.param(
            lambda project: project.update({f"service-{name}": changes.service_stack(name) for name in SERVICES_40}),
            ("till",),
            id="40 new services",
        ),
    ],
)
def test_the_comment_for_40_equal_services_has_less_than_20_kilobytes(
    tmp_path: Path, edit: Callable[[changes.Project], None], services: tuple[str, ...]
) -> None:
    before = changes.shared_stacks() | {f"service-{name}": changes.service_stack(name) for name in services}
    after = copy.deepcopy(before)
    if "till" not in after:
        after["service-till"] = before["service-till"] = changes.service_stack("till")
    edit(after)
    stacks = [
        [
            rendered(label.partition("-")[0], service=label.partition("-")[2] or None, resources=resources)
            for label, resources in project.items()
        ]
        for project in (before, after)
    ]
    plan = PlannedChange(edit, services=("till", *services) if "till" not in services else services).plan(tmp_path)
    text = comment([plan], changes_page.comparison("What changes", *stacks), "main")

    assert len(text.encode()) < 20_000
    assert "left out" not in text


def test_without_a_plan_only_the_templates_are_compared() -> None:
    text = comment([], REVIEW, "main")

    assert text.startswith(f"## Templates\n\n{NO_PLAN}\n\n<details>")
    assert (
        section(text, "What changes") == "\n1 of 9 stacks: 1 changed.\n\n#### Changed (1)\n\n- **staging** `a.B`: now c"
    )


def test_environments_without_a_plan_are_named() -> None:
    assert "- **Not planned**: production. The log of the run says why.\n" in comment(
        [PLAN], REVIEW, "main", ["production"]
    )


def test_notes_and_facts_are_in_a_section_of_their_own() -> None:
    lines = section(comment([replace(PLAN, local=False)], REVIEW, "main"), "Stacks").splitlines()

    assert lines[0].startswith("- staging-pr1: account 222222222222, eu-central-1, revision abc, digest `")
    assert lines[1:] == [
        "- warning: x: storage",
        "- Nothing changes: keys",
        "- Planned later, after keys, network: service",
    ]


@pytest.mark.no_cover
@pytest.mark.parametrize("text", ["<b>" * 700, "@everyone " * 200, "\u202e" * 1500, "é|" * 2000, "x" * 4000])
def test_the_comment_is_never_longer_than_github_accepts(text: str) -> None:
    plans = [hostile_plan(f"{number} {text}") for number in range(3)]
    review = REVIEW + "".join(f"- {number} {'z' * 3000}\n" for number in range(100))
    written = comment(plans, review, "main", [text])

    assert len(written) <= len(written.encode()) <= LONGEST_COMMENT < GITHUB_LIMIT
    assert re.search(
        r"\*\*\d+ lines left out\*\*, because a comment has a size limit. `make review BASE=main` prints", written
    )
    assert written.count("<details>") == written.count("</details>")


def test_a_section_says_how_many_lines_are_left_out_and_later_sections_keep_their_frame() -> None:
    sections = [Section("One", ["a" * 50, "b" * 500, "c" * 50], "Read the page."), Section("Two", ["d"], "Run make.")]
    text = fit(["## Title"], sections, 450)

    assert section(text, "One") == (
        f"{'a' * 50}\n\n**2 lines left out**, because a comment has a size limit. Read the page."
    )
    assert section(text, "Two") == "d"
    assert len(text) <= 450


def test_values_and_holders_beyond_the_first_are_counted() -> None:
    details = tuple(Detail("Properties", f"P{n}", "", "1", "2") for n in range(6))
    names = [f"Role{n}" for n in range(5)]
    stack = replace(
        STORAGE,
        changes=tuple(
            Change("Modify", name, f"AWS::IAM::{name}", "False", details=details if name == "Role0" else ())
            for name in names
        ),
        impacts=(Impact("safe"),) * 5,
        longest_wait_seconds=0.0,
        grants={name: PolicyDiff(("allow x",), ("allow y",)) for name in names},
    )
    text = comment([replace(PLAN, stacks=(stack,))], REVIEW, "main")

    assert "P3: 1 → 2<br>and 2 more values |" in text
    assert "- **now**: allow x (storage/Role0; storage/Role1; storage/Role2 and 2 more)" in text
    assert text.count("allow y") == 1


def test_why_a_service_is_interrupted_stands_beside_its_change() -> None:
    change = Change("Modify", "Service", "AWS::ECS::Service", "True")
    impact = Impact("interruption", why="tasks end before others begin")
    stack = replace(STORAGE, changes=(change,), impacts=(impact,), longest_wait_seconds=0.0, grants={})
    (row,) = (line for line in comment([replace(PLAN, stacks=(stack,))], REVIEW, "main").splitlines() if "ECS" in line)

    assert "tasks end before others begin" in row
