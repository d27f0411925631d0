"""The check for secrets, run once on values that look like templates or variables, and on what could hide a secret."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.builds.check_presets import DISABLED_FILTERS
from cicd_templates.functions.scan_gate.formats import read_report
from tests.hostile.application import key
from tests.unit.builds.build_runner import checked
from tests.unit.builds.test_failing_tools import CONCATENATED, DEEP, status

# All on one worker, because they share a run of the tool.
pytestmark = pytest.mark.xdist_group("the check for secrets")

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


AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
UUID = "-".join(["1f3870be", "274f", "4c49", "b3e3", "1a0c6728957f"])
DOLLARS = ["$up" + "erS3cr3t-9", "$$4" + "qW-zz8", UUID, "$" + "Zk4qW"]
VARIABLES = ["$PASSWORD_2", "${DB_PASSWORD}", "$db_password", "$dbPassword", "$HOME/x", "${A:-b}", "$(cat x)"]
ASSIGNED = [f'password="{value}"\n' for value in DOLLARS + VARIABLES]
PLANTED = {
    "config.py": f'KEY = "{AWS_KEY}"\n',
    "allowed.py": (
        f'KEY = "{AWS_KEY}"  # pragma: allowlist secret\n'
        f'# pragma: allowlist nextline secret\nOTHER = "{AWS_KEY[:-1]}F"\n'
    ),
    "config.sh": "".join(ASSIGNED) + f'request_id="{UUID}"\n',
    "hidden.py": DEEP,
    "plain.py": CONCATENATED.format(' + "" ' * 60),
    "old.txt": DEEP,
}


@dataclass(frozen=True)
class Judged:
    """What the check leaves: the record of its run, and its report."""

    record: dict[str, Any]
    report: bytes


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
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
    for name, text in PLANTED.items():
        (source / name).write_text(text)
    record, report = checked("secrets", source)
    return Judged(record, report.read_bytes())


@pytest.fixture(scope="module")
def found(judged: Judged) -> set[tuple[str, int]]:
    results = json.loads(judged.report)["results"]
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


def test_secrets_are_reported_without_the_secret(judged: Judged) -> None:
    read = read_report("detect-secrets", judged.report)

    assert (judged.record["exit_code"], judged.record["format"]) == (0, "detect-secrets")
    assert ("AWS Access Key", "config.py", 1, "high") in [(f.id, f.file, f.line, f.severity) for f in read.findings]
    assert read.status == "ok"
    assert AWS_KEY.encode() not in judged.report


def test_no_comment_of_the_source_hides_a_secret(judged: Judged) -> None:
    read = read_report("detect-secrets", judged.report)
    keys = [each.line for each in read.findings if (each.id, each.file) == ("AWS Access Key", "allowed.py")]

    assert sorted(keys) == [1, 3]


def test_a_dollar_sign_and_the_form_of_a_uuid_hide_no_secret_and_a_variable_is_none(judged: Judged) -> None:
    read = read_report("detect-secrets", judged.report)

    assert sorted(each.line for each in read.findings if each.file == "config.sh") == [1, 2, 3, 4]


def test_the_check_tells_which_code_it_cannot_judge_and_no_other(judged: Judged) -> None:
    (message,) = judged.record["not_read"]

    assert message == "./hidden.py, because its code is nested in more than 200 levels; split the code"
    assert status(judged.record, judged.report, "detect-secrets") == "incomplete"


def test_every_filter_that_a_name_or_a_comment_decides_is_off_and_the_others_are_known(judged: Judged) -> None:
    used = {each["path"].rpartition(".")[2] for each in json.loads(judged.report)["filters_used"]}

    assert used == {
        "is_not_alphanumeric_string",
        "is_prefixed_with_dollar_sign",
        "is_sequential_string",
        "is_templated_secret",
    }
    assert not used & {name.rpartition(".")[2] for name in DISABLED_FILTERS}
