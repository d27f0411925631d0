"""The list of checksums: an edited template, and an edited configuration that was not rendered, are noticed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cicd_templates.template.checksums import (
    checksums_text,
    digest_of,
    find_edits,
    find_strays,
    parse_checksums,
    source_digest,
)

CONFIGURATION = "# a comment\n[project]\nname = 'acme'\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one rendered template for each of two environments."""
    files = {"staging/keys.yaml": "keys\n", "production/keys.yaml": "other\n"}
    (tmp_path / "templates/extra").mkdir(parents=True)
    (tmp_path / "templates/environments.toml").write_text(CONFIGURATION)
    (tmp_path / "templates/extra/inbox.py").write_text("LAYER = 1\n")
    for path, text in files.items():
        (tmp_path / "out" / path).parent.mkdir(parents=True)
        (tmp_path / "out" / path).write_text(text)
    (tmp_path / "out/SHA256SUMS").write_text(
        checksums_text({path: digest_of(text) for path, text in files.items()}, source_digest(tmp_path))
    )
    return tmp_path


def edits(project: Path, environment: str = "staging") -> str:
    return find_edits(project / "out", environment, project).replace(f"{project}/", "")


def test_what_was_just_rendered_has_no_edits_and_its_checksums_are_those_of_sha256sum(project: Path) -> None:
    assert (edits(project), edits(project, "production")) == ("", "")
    answer = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=project / "out", check=False)
    assert answer.returncode == 0
    assert set(parse_checksums((project / "out/SHA256SUMS").read_text())) == {
        "staging/keys.yaml",
        "production/keys.yaml",
    }


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param(
            lambda project: (project / "out/staging/keys.yaml").write_text("mine\n"),
            "out/staging/keys.yaml was edited by hand",
            id="a template",
        ),
        pytest.param(
            lambda project: (project / "templates/environments.toml").write_text(CONFIGURATION.replace("acme", "shop")),
            "templates/environments.toml or a layer in templates/extra was edited, and out/ was not rendered since",
            id="the configuration",
        ),
        pytest.param(
            lambda project: (project / "templates/extra/inbox.py").write_text("LAYER = 2\n"),
            "templates/environments.toml or a layer in templates/extra was edited, and out/ was not rendered since",
            id="an own layer",
        ),
        pytest.param(
            lambda project: (project / "templates/environments.toml").write_text(f"# words\n\n{CONFIGURATION}"),
            "",
            id="only a comment",
        ),
        pytest.param(
            lambda project: (project / "out/production/keys.yaml").write_text("x"), "", id="another environment"
        ),
        pytest.param(lambda project: (project / "out/staging/keys.yaml").unlink(), "", id="a template that is gone"),
        pytest.param(lambda project: (project / "out/SHA256SUMS").unlink(), "", id="no list"),
        pytest.param(
            lambda project: (project / "out/SHA256SUMS").write_text("0  staging/none.yaml\n"), "", id="no sources"
        ),
    ],
)
def test_each_edit_is_named(project: Path, edit: Callable[[Path], object], expected: str) -> None:
    edit(project)

    assert edits(project) == expected


def test_templates_that_the_list_does_not_have_are_strays(project: Path) -> None:
    for name in ("staging/claims.yaml", "staging/keys.json", "staging/REVIEW.md", "production/claims.yaml"):
        (project / "out" / name).write_text("mine\n")

    found = [path.relative_to(project).as_posix() for path in find_strays(project / "out", "staging")]
    assert found == ["out/staging/claims.yaml", "out/staging/keys.json"]
    (project / "out/SHA256SUMS").unlink()
    assert find_strays(project / "out", "staging") == []


def test_three_of_many_edits_are_named(project: Path) -> None:
    names = [f"staging/{number}.yaml" for number in range(5)]
    for name in names:
        (project / "out" / name).write_text("edited")
    (project / "out/SHA256SUMS").write_text("".join(f"0  {name}\n" for name in names))

    assert edits(project) == "out/staging/0.yaml, out/staging/1.yaml, out/staging/2.yaml and 2 more was edited by hand"
