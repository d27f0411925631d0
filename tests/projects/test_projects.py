"""Projects that differ from the example in one respect each. Their rendered templates have no findings either."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from cicd_templates.cli.project_layers import tool_layers
from cicd_templates.config.load import read_configuration
from cicd_templates.lint.run import find_in_templates
from cicd_templates.render import render
from tests.conftest import PROJECT, ROOT
from tests.memory import garbage_kept
from tests.projects.alike import form, longest_of_each_form, names_of
from tests.projects.rendering import PROJECTS, rendered_project

NAMES = sorted(path.parent.name for path in PROJECTS.glob("*/environments.toml"))
# Whose services, environments and names differ most from those of the example.
ON_EVERY_CHANGE = ("four-environments", "three-services")
# Parts of the templates of all projects that are linted side by side.
PARTS = 8


def write_rendered(name: str, folder: Path) -> list[Path]:
    """Render a project into `folder` and return its templates."""
    paths = []
    for stack in render.render(read_configuration(PROJECTS / name / "environments.toml"), tool_layers(), "yaml"):
        path = folder / stack.path
        path.parent.mkdir(exist_ok=True)
        path.write_text(stack.text, encoding="utf-8")
        paths.append(path)
    return paths


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.no_cover
def test_the_configuration_of_each_project_is_accepted(name: str) -> None:
    assert len(read_configuration(PROJECTS / name / "environments.toml").environments) >= 2


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ON_EVERY_CHANGE)
def test_a_project_that_differs_much_renders(name: str, tmp_path: Path) -> None:
    assert len(write_rendered(name, tmp_path)) > 20


@cache
def templates_to_lint() -> list[Path]:
    """Return the templates of all projects, but only one of those that differ only in names.

    Templates of the tests' project itself are left out, because tests/golden/test_out.py lints them.
    """
    templates = []
    for name in NAMES:
        names = names_of(tomllib.loads((PROJECTS / name / "environments.toml").read_text(encoding="utf-8")))
        for path in sorted(rendered_project(name).glob("out/*/*.yaml")):
            templates.append((path, path.read_text(encoding="utf-8"), names))
    return [path for path in longest_of_each_form(templates) if PROJECT not in path.parents]


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_no_template_of_any_project_has_a_finding(part: int) -> None:
    # A runner loads all rules anew, so each part is linted by one.
    with garbage_kept():
        assert find_in_templates(templates_to_lint()[part::PARTS]) == []


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("Name: shop-staging-api, Target: shop/live, Role: ShopApiRole", True),
        ("Name: shop-staging-web, Target: shop/staging, Role: ShopWebRole", False),
        ("Name: shop-api-staging, Target: shop/live, Role: ShopApiRole", False),
        ("Name: shop-staging-api, Target: shop/live, Role: ShopApirole", False),
        ("Name: |-\n  shop-staging-api, Target: shop/live, Role: ShopApiRole\n", False),
        ("Name: shop-staging-api, Target: shop/live, Role: ShopApiRole, Port: 1", False),
    ],
)
def test_templates_have_the_same_form_if_they_differ_only_in_names(other: str, same: bool) -> None:
    first = ("Name: acme-test-checkout, Target: acme/production, Role: AcmeCheckoutRole", named("acme", "checkout"))

    assert (form(other, named("shop", "api", "web", "staging", "live")) == form(*first)) == same


def named(project: str, *names: str) -> re.Pattern[str]:
    environments = {name: {"account": "111111111111"} for name in ("test", "production", *names[2:])}
    return names_of({"project": {"name": project}, "services": dict.fromkeys(names[:2]), "environments": environments})


def test_of_templates_that_differ_only_in_names_the_longest_is_linted() -> None:
    short, long = (Path("short.yaml"), "Name: a-a"), (Path("long.yaml"), "Name: acme-acme")
    other = (Path("other.yaml"), "Name: a-b")
    templates = [(*each, named(project, "b")) for each, project in ((short, "a"), (long, "acme"), (other, "a"))]

    assert longest_of_each_form(templates) == [Path("long.yaml"), Path("other.yaml")]


def test_a_text_moved_to_a_line_of_its_own_counts_as_unmoved() -> None:
    names = named("shop", "api")

    assert form("a: |-\n    text of shop\nb: 1\n", names) == form("a: text of shop\nb: 1\n", names)


@pytest.mark.parametrize(
    ("other", "same"),
    [("# of shop\n#\n\nName: api\n", True), ("Name: api\n# of shop\n", False), (" # of shop\nName: api\n", False)],
)
def test_only_the_comment_at_the_top_of_a_template_does_not_count(other: str, same: bool) -> None:
    names = named("shop", "api")

    assert (form(other, names) == form("# of api, and longer\n\nName: api\n", names)) == same


def test_the_code_of_the_tool_and_its_tests_do_not_know_the_example() -> None:
    tests = [path for path in (ROOT / "tests").rglob("*.py") if PROJECTS not in path.parents]
    code = [*(ROOT / "src").rglob("*.py"), *(ROOT / "templates").glob("*.py"), ROOT / "Makefile", *tests]
    names = re.compile(r"payment-processor|payments-(tools|staging|production)")

    assert [str(path) for path in code if names.search(path.read_text(encoding="utf-8"))] == []
