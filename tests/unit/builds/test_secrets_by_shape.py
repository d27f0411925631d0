"""The check for secrets: values that look like templates or variables, and secrets that are names of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.hostile.application import key
from tests.unit.builds.build_runner import checked

# Values of a keyword, one a line. Each file has them in its own syntax.
SECRETS = [
    *(
        "{Vb7!kQ2pLx9}",
        "<Vb7!kQ2pLx9>",
        "${Vb7kQ2pLx9}",
        "{{Vb7-kQ2pLx9aaa}}",
        "!Vb7kQ2pLx9",
        "%Vb7kQ2p-Lx9",
        "$uperS3cret9",
    ),
    *("<a1b2c3d4-e5f6>", "{x9y8z7w6v5}", "~Vb7kQ2pLx9"),
]
REFERENCES = [
    *(
        "{user.password}",
        "{{ db_password }}",
        "{{ token | quote }}",
        "<your-password>",
        "<%= PASSWORD %>",
        "${DB_2}",
        "{db2}",
    ),
    *("$DB_PASSWORD", "${DB_PASSWORD}", "********", "%(db1_password)s", "/run/secrets/db2x9", "./keys/k3y.pem", "{}"),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, int]]:
    source = tmp_path_factory.mktemp("shapes") / "source"
    (source / "src").mkdir(parents=True)
    for name, values in (("secrets", SECRETS), ("references", REFERENCES)):
        (source / f"{name}.py").write_text("".join(f'password = "{value}"\n' for value in values))
        (source / f"{name}.yml").write_text("".join(f'password: "{value}"\n' for value in values))
    (source / "names.py").write_text('name = arn.partition(":secret:")[2].rpartition("-")[0]\n')
    for name in ("deploy.sh", "app.ts", "app.py"):
        (source / name).write_text('password="$hunterabcdef"\n')
    (source / f"{key(1)}.txt").write_text("x")
    (source / "target").write_text("x")
    (source / key(2)).symlink_to("target")
    (source / "folder").mkdir()
    (source / key(3)).symlink_to("folder")
    _, report = checked("secrets", source)
    results = json.loads(report.read_text())["results"]
    return {(file, each["line_number"]) for file, findings in results.items() for each in findings}


def lines(found: set[tuple[str, int]], name: str) -> list[int]:
    return sorted(number for file, number in found if Path(file).name == name)


@pytest.mark.parametrize("file", ["secrets.py", "secrets.yml"])
def test_a_secret_that_looks_like_a_reference_is_found(file: str, found: set[tuple[str, int]]) -> None:
    missed = [value for number, value in enumerate(SECRETS, 1) if number not in lines(found, file)]

    assert missed == []


@pytest.mark.parametrize("file", ["references.py", "references.yml"])
def test_a_reference_is_no_secret(file: str, found: set[tuple[str, int]]) -> None:
    assert [REFERENCES[number - 1] for number in lines(found, file)] == []


def test_what_follows_a_quote_that_ends_a_value_is_no_value(found: set[tuple[str, int]]) -> None:
    assert lines(found, "names.py") == []


@pytest.mark.parametrize(("file", "secret"), [("deploy.sh", False), ("app.ts", True), ("app.py", True)])
def test_a_dollar_sign_makes_a_reference_only_where_the_language_has_such(
    file: str, secret: bool, found: set[tuple[str, int]]
) -> None:
    assert bool(lines(found, file)) is secret


@pytest.mark.parametrize("name", [f"{key(1)}.txt", key(2), key(3)])
def test_the_name_of_a_file_or_a_link_can_be_a_secret(name: str, found: set[tuple[str, int]]) -> None:
    assert lines(found, name)
