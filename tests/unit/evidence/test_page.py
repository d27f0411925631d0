"""The page says in words what the files contain, and nothing in a file becomes markup."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cicd_templates.evidence import page
from cicd_templates.evidence.additions import RELEASE_BEFORE
from cicd_templates.evidence.derived_files import DIFFERENCE, PAGE
from cicd_templates.evidence.folder import read_folder
from cicd_templates.evidence.page import release_page
from cicd_templates.evidence.public_key import read_public_key
from cicd_templates.evidence.statements import read_statement
from cicd_templates.evidence.templates_difference import TemplatesDifference
from cicd_templates.functions import evidence_format as form
from tests.conftest import ROOT
from tests.fakes.signed_evidence import (
    DOCUMENTS,
    REPOSITORY,
    Signer,
    deployment,
    write_derived,
    write_evidence,
    write_whole_evidence,
)
from tests.hostile.texts import PIECES

SIGNER = Signer()
KEY = read_public_key(SIGNER.pem)
PLAN_CSS = ROOT / "src/cicd_templates/functions/change_page/page.css"
EVIDENCE_CSS = ROOT / "src/cicd_templates/evidence/page.css"
TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "h1",
        "p",
        "main",
        "section",
        "h2",
        "dl",
        "div",
        "dt",
    ),
    *("dd", "table", "thead", "tr", "th", "tbody", "td", "details", "summary", "pre", "del", "ins"),
}


def shown(folder: Path, difference: TemplatesDifference | None = None) -> str:
    release = read_statement((folder / form.RELEASE).read_bytes(), KEY)
    return release_page(read_folder(folder), release, KEY, difference)


def words(text: str) -> str:
    """Return the visible words of a page."""
    body = text.partition("<body>")[2]
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", body)).split())


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return write_whole_evidence(tmp_path / "whole", SIGNER)


def test_the_page_answers_what_an_auditor_asks_first(whole: Path) -> None:
    text = words((whole / PAGE).read_text())

    for sentence in (
        "Evidence of a release of basket",
        f"image {REPOSITORY}@sha256:{'1' * 64} pipeline execution e-2 source version v-2",
        f"signed on 2026-11-24T12:02:00+00:00 with the key sha256:{SIGNER.fingerprint}",
        "Decision PASS. Findings by severity: 1 high, 2 low. Accepted by waivers: 1.",
        "Tests In the report of unit-tests, 2 tests passed and 0 failed.",
        "Accepted 2 exceptions in force. The first ends on 2026-11-30.",
        "Templates 3 files differ from the release of 2026-11-24T12:01:00+00:00, execution e-1.",
        "Shown to approvers 1 change set of production. Signed statements list the SHA-256 of every approval"
        " record. So the verification fails if somebody has changed or added a record.",
        "Approved by production: arn:aws:iam::1:user/ada on 2026-11-24T12:59:00+00:00.",
        "Deployed Signed statements about staging (migration), staging, production.",
        "staging 2026-11-24T13:01:00+00:00 no approval was needed"
        " arn:aws:ecs:eu-central-1:1:task-definition/staging:7 1 alarm. All were OK during the whole deployment.",
        "production 2026-11-24T13:01:00+00:00 approved by arn:aws:iam::1:user/ada on 2026-11-24T12:59:00+00:00",
        "Task definitions Alarms from the start of the deployment to its end staging",
        f"deployments/staging/1.dsse.json signed statement of the type {form.DEPLOYMENT_TYPE}",
        "B602 src/ ada 2026-11-30 the shell is ours",
        "unfixed = critical scan-policy.toml grace 2026-12-31 no fix <b>yet</b>",
        "production s arn:aws:cloudformation:eu-central-1:1:changeSet/release/2",
        "staging/service.yaml --- staging/service.yaml +++ staging/service.yaml @@ -1 +1 @@ -Size: 1 +Size: 2",
        "release.dsse.json signed list of the files that the release had before its first deployment",
        f"verify-evidence . --key {SIGNER.fingerprint}",
        "whether somebody reviewed the source, or whether the release was deployed again after the last statement.",
    ):
        assert sentence in text, sentence
    # This waiver ended on the day before the release was signed.
    assert "bob" not in text


@pytest.mark.parametrize(
    ("unread", "sentence"),
    [
        ({"staging": ["slow"]}, "The states of 1 alarm could not be read: slow in staging."),
        (
            {"staging": ["errors"], "production": ["errors", "memory"]},
            "The states of 3 alarms could not be read: errors in staging, errors in production, memory in production.",
        ),
        ({}, ""),
    ],
)
def test_the_page_answers_which_alarms_could_not_be_read(
    whole: Path, unread: dict[str, list[str]], sentence: str
) -> None:
    quiet = {"name": "quiet", "state": "OK", "changes": []}
    for environment in ("staging", "production"):
        missing = [{"name": name, "unread": "AccessDenied"} for name in unread.get(environment, ())]
        deployment(whole, SIGNER, environment, alarms=[quiet, *missing])
    write_derived(whole)
    text = words((whole / PAGE).read_text())

    assert f"Deployed Signed statements about staging (migration), staging, production. {sentence}".strip() in text
    assert ("could not be read" in text) == bool(unread)


@pytest.mark.parametrize(
    ("approvals", "sentence"),
    [
        ([{"approvedBy": "ada", "approvedOn": "Monday"}], "production: ada on Monday."),
        ([{"approvedBy": "ada"}], "production: ada."),
        ([{"approvedBy": "", "approvedOn": "Monday"}], "production: CodePipeline named nobody."),
        (
            [{"approvedBy": "ada", "approvedOn": "Monday"}, {"approvedBy": "bob", "approvedOn": "Tuesday"}],
            "production: ada on Monday; production: bob on Tuesday.",
        ),
        ([None], "No signed statement names an approver."),
    ],
)
def test_the_page_answers_who_approved(whole: Path, approvals: list[dict[str, str] | None], sentence: str) -> None:
    for number, approval in enumerate(approvals, 1):
        deployment(whole, SIGNER, "production", number, approval=approval)
    write_derived(whole)

    assert f"Approved by {sentence} Deployed" in words((whole / PAGE).read_text())


SUBJECT = {"name": "image", "digest": {"sha256": "1" * 64}}


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (b"{}", "The statement about vulnerabilities of the image cannot be read."),
        *(
            (
                SIGNER.statement(form.VULNERABILITIES_TYPE, predicate, SUBJECT),
                "The statement about vulnerabilities of the image has no list of results.",
            )
            for predicate in ({}, {"scanner": {"result": 1}})
        ),
        (
            SIGNER.statement(form.VULNERABILITIES_TYPE, {"scanner": {"result": [{}, {}]}}, SUBJECT),
            "The registry's scan of the image found 2 vulnerabilities.",
        ),
    ],
)
def test_the_page_counts_the_vulnerabilities_of_the_image(tmp_path: Path, statement: bytes, sentence: str) -> None:
    assert f"Image {sentence}" in words(shown(write_evidence(tmp_path, SIGNER, vulnerabilities=statement)))


def test_the_page_says_what_is_not_there(tmp_path: Path) -> None:
    documents = {name: content for name, content in DOCUMENTS.items() if "verdict" not in name}
    text = words(shown(write_evidence(tmp_path / "plain", SIGNER, documents=documents | {form.SCAN_POLICY: b""})))

    for sentence in (
        "source version unknown",
        "Decision The folder has no readable decision of the scan gate.",
        "Tests The folder has no statement about tests.",
        "Image The folder has no statement about vulnerabilities of the image.",
        "Accepted No waiver and no weaker setting was in force.",
        "Templates The folder does not have the previous release, so there is nothing to compare.",
        "Shown to approvers The folder has no record of an approval.",
    ):
        assert sentence in text, sentence
    for heading in ("Accepted until a date", "Change sets that", "Templates that differ"):
        assert heading not in text


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        ({"verdict": b"{"}, "no readable decision of the scan gate"),
        ({"verdict": b"[]"}, "no readable decision of the scan gate"),
        ({"verdict": b"[" * 100_000}, "no readable decision of the scan gate"),
        ({"verdict": b'{"verdict": 7, "counts": []}'}, "7. Findings by severity: none. Accepted by waivers: 0."),
        ({"verdict": b'{"verdict": "FAIL"}', "verdict-2": b'{"verdict": "PASS"}'}, "Decision PASS."),
    ],
    ids=["no JSON", "a list", "deep", "other types", "two decisions"],
)
def test_a_decision_of_any_form_is_shown(tmp_path: Path, contents: dict[str, bytes], sentence: str) -> None:
    documents = DOCUMENTS | {f"evidence/{name}.json": content for name, content in contents.items()}

    assert sentence in words(shown(write_evidence(tmp_path / "a", SIGNER, documents=documents)))


@pytest.mark.parametrize(
    ("tests", "sentence"),
    [
        (b"{}", "The statement about unit-tests cannot be read."),
        (
            SIGNER.statement(form.TEST_RESULT_TYPE, {"passedTests": 7}, {"name": "source", "digest": {}}),
            "In the report of unit-tests, 0 tests passed and 0 failed.",
        ),
    ],
    ids=["no statement", "no lists"],
)
def test_a_statement_about_tests_of_any_form_is_shown(tmp_path: Path, tests: bytes, sentence: str) -> None:
    assert sentence in words(shown(write_evidence(tmp_path / "a", SIGNER, tests=tests)))


def test_the_release_before_must_be_readable(whole: Path) -> None:
    (whole / RELEASE_BEFORE).write_bytes(b"{}")
    assert "The previous release cannot be read." in words(shown(whole, TemplatesDifference({})))
    (whole / RELEASE_BEFORE).unlink()
    assert "The previous release cannot be read." in words(shown(whole, TemplatesDifference({})))


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        (TemplatesDifference({}, "They cannot be compared."), "Templates They cannot be compared."),
        (TemplatesDifference({}), "Templates 0 files differ from the release of 2026-11-24T12:01:00+00:00"),
    ],
    ids=["a problem", "the same"],
)
def test_templates_without_a_difference_have_no_section(
    whole: Path, difference: TemplatesDifference, sentence: str
) -> None:
    text = words(shown(whole, difference))

    assert sentence in text
    assert "Templates that differ" not in text


def test_a_long_difference_is_cut(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "LONGEST_DIFFERENCE", 6)
    text = words(shown(whole, TemplatesDifference({"a": "+one\n", "b": "-two\n", "c": "+three\n"})))

    assert "a +one b - The rest is in templates.diff. c The rest is in templates.diff." in text


@pytest.mark.parametrize(
    "record", [b"[]", b'{"changeSets": 7}', b'{"changeSets": [7, {}]}'], ids=["a list", "a number", "no objects"]
)
def test_a_record_of_any_form_is_shown(whole: Path, record: bytes) -> None:
    (path,) = whole.glob("approvals/*/*/change-sets.json")
    path.write_bytes(record)

    assert "approval record: what an approver saw" in words(shown(whole))


def test_the_page_has_no_script_and_only_its_own_style(whole: Path) -> None:
    text = (whole / PAGE).read_text()

    assert "default-src 'none'; style-src 'sha256-" in text
    assert "script" not in {tag for tag, _ in elements(text)}
    assert not re.search(r"(src|href)=|url\(|@import", text)


def elements(text: str) -> list[tuple[str, set[str]]]:
    """Return the elements of a page with the names of their attributes."""
    found: list[tuple[str, set[str]]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            found.append((tag, {name for name, _ in attributes}))

    Parser().feed(text)
    return found


@pytest.mark.no_cover
def test_no_text_becomes_markup_or_hides_another(tmp_path: Path) -> None:
    for piece in PIECES:
        hostile = f"a{piece}b"
        policy = f"version = 2\n[[waivers]]\nid = {json.dumps(hostile)}\npath = 'src/'\nreason = 'r'\nowner = 'o'\n"
        documents = DOCUMENTS | {
            "evidence/verdict.json": json.dumps({"verdict": hostile, "waived": hostile}).encode(),
            form.SCAN_POLICY: f"{policy}expires = 2027-01-01\n".encode("utf-8", "surrogatepass"),
        }
        # A statement with a lone surrogate is no JSON.
        text = hostile.encode(errors="replace").decode()
        about = {"sourceVersion": text, "signedOn": text}
        folder = write_evidence(tmp_path / "hostile", SIGNER, documents=documents, about=about)
        text = shown(folder, TemplatesDifference({hostile: f"+{hostile}\n"}))

        assert {tag for tag, _ in elements(text)} <= TAGS, piece
        assert {name for _, names in elements(text.partition("<body>")[2]) for name in names} <= {
            "class", "aria-labelledby", "id", "scope", "data-heading",
        }, piece  # fmt: skip
        assert all(character.isprintable() or character == "\n" for character in text), piece


def test_the_page_has_the_colours_of_the_page_of_a_plan() -> None:
    def colours(path: Path) -> list[dict[str, str]]:
        blocks = re.findall(r":root \{(.*?)\}", path.read_text(), re.DOTALL)
        return [dict(re.findall(r"(--[\w-]+): (#\w+);", block)) for block in blocks]

    for own, plans in zip(colours(EVIDENCE_CSS), colours(PLAN_CSS), strict=True):
        assert own.items() <= plans.items()


def test_the_difference_lies_beside_the_page(whole: Path) -> None:
    assert "+Size: 2" in (whole / DIFFERENCE).read_text().splitlines()
