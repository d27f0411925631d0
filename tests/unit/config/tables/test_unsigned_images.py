"""Exceptions for images without a signature: each names one image, an owner, a reason and a last day that is near."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.blocks.unsigned_images import exception_problems, exceptions_variable
from cicd_templates.cli import main
from tests.conftest import configured, raw_configuration, rendered_stacks
from tests.projects.rendering import rendered_project
from tests.unit.config.problems import problems_of

AT = "services/parcel-dispatcher/unsigned_images"
IMAGE = f"public.ecr.aws/docker/library/python@sha256:{'0' * 64}"
TODAY = date(2026, 11, 29)
ENTRY = {"image": IMAGE, "owner": "ada", "reason": "the first deployment has no release", "expires": TODAY}
OTHER = ENTRY | {"image": IMAGE.replace("python", "golang")}
THIRD = ENTRY | {"image": IMAGE.replace("python", "ubuntu")}
ENDED = ENTRY | {"expires": date(2020, 1, 31)}


def test_an_exception_is_written_to_every_function_that_verifies_and_to_the_pages() -> None:
    stacks = rendered_stacks((AT, {"first": ENTRY}), ("services/parcel-dispatcher/rollout", "blue-green"),
                             ("services/parcel-dispatcher/rollback_on_alarm", True),
                             ("services/parcel-dispatcher/hooks", ["verify-image"]))  # fmt: skip
    expected = {"name": "first", **ENTRY, "expires": "2026-11-29"}
    found = {}
    for stack in stacks:
        for logical_id, resource in stack.template.resources.items():
            variables = resource.get("Properties", {}).get("Environment", {})
            if isinstance(variables, dict) and "UNSIGNED_IMAGES" in variables.get("Variables", {}):
                found[stack.environment.name, logical_id] = variables["Variables"]["UNSIGNED_IMAGES"]

    both = {"staging": [expected], "production": [expected]}
    # The signer reports no exception.
    brief = {name: value for name, value in expected.items() if name not in ("owner", "reason")}
    assert {key: json.loads(value) for key, value in found.items()} == {
        ("tools", "Signer"): {"staging": [brief], "production": [brief]},
        ("tools", "ApprovalCheck"): both,
        # Only production waits for an approval.
        ("tools", "Review"): {"production": [expected]},
        ("staging", "VerifyImage"): {"staging": [expected]},
        ("production", "VerifyImage"): {"production": [expected]},
    }


def check_role(*edits: tuple[str, Any]) -> dict[str, Any]:
    (stack,) = [each for each in rendered_stacks(*edits) if each.label == "review-parcel-dispatcher"]
    (policy,) = stack.template.resources["ApprovalCheckRole"]["Properties"]["Policies"]
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


@pytest.mark.no_cover
def test_only_with_an_exception_the_check_may_record_and_tell_it() -> None:
    without, having = check_role(), check_role((AT, {"first": ENTRY}))

    assert {*having} - {*without} == {
        "ReadTheNewestTemplates",
        "RecordUnsignedImages",
        "TellSecurityOfUnsignedImages",
    }
    assert having["RecordUnsignedImages"]["Action"] == ["s3:PutObject"]
    assert [part for part in str(having["RecordUnsignedImages"]["Resource"]).split("'") if "unsigned" in part] == [
        f"arn:${{AWS::Partition}}:s3:::${{EvidenceBucketName}}/parcel-dispatcher/*/unsigned/{environment}/*.json"
        for environment in ("staging", "production")
    ]
    only = check_role((f"environments/production/{AT}", {"first": ENTRY}))
    assert str(only["RecordUnsignedImages"]["Resource"]).count("/unsigned/") == 1
    assert "/unsigned/production/*.json" in str(only["RecordUnsignedImages"]["Resource"])
    assert having["TellSecurityOfUnsignedImages"]["Resource"] == [{"Ref": "SecurityTopicArn"}]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"image": "public.ecr.aws/docker/library/python:3"}, "write an image with registry and digest"),
        (
            {"image": f"public.ecr.aws/docker/library/python@sha256:{'A' * 64}"},
            "registry/repository@sha256:<64 lower-case hexadecimal digits>",
        ),
        ({"owner": ""}, "write the name of a person or a team"),
        ({"reason": "because"}, "explain why in at least ten characters"),
        ({"reason": "because " * 250}, "reason: write at most 160 characters, not 2,000"),
        ({"expires": "2026-11-29"}, "write a date without quotes and without a time, such as 2027-01-31"),
        (
            {"expires": datetime(2026, 11, 29, tzinfo=UTC)},
            "write a date without quotes and without a time, such as 2027-01-31",
        ),
        ({"owner": "Ops\rRun e-1 is signed."}, "write one line of visible characters"),
        ({"reason": "for the first\u2028Run e-1 is signed."}, "write one line of visible characters"),
        ({"reason": "for the first \u202edengis"}, "write one line of visible characters"),
        ({"until": TODAY}, "unknown key"),
    ],
    ids=[
        "a tag",
        "upper case",
        "no owner",
        "no reason",
        "a long reason",
        "a text",
        "a time",
        "a line of the owner",
        "a line",
        "turned",
        "another key",
    ],
)
def test_a_wrong_exception_is_refused(changed: dict[str, Any], expected: str) -> None:
    assert any(expected in problem for problem in problems_of((AT, {"first": ENTRY | changed})))


def test_a_service_has_at_most_three_exceptions() -> None:
    (problem,) = problems_of((AT, {f"number-{number}": ENTRY for number in range(1, 5)}))

    assert problem == "services.parcel-dispatcher.unsigned_images: write at most 3 entries, not 4"


PRODUCTION = f"environments/production/{AT}"


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([(AT, {"a": ENTRY, "b": ENTRY | {"owner": "bob"}})], [("", "b", "a")]),
        ([(AT, {"a": ENTRY, "c": ENTRY, "b": ENTRY})], [("", "b", "a"), ("", "c", "a")]),
        ([(AT, {"b": ENTRY}), (PRODUCTION, {"a": ENTRY})], [("environments.production.", "a", "b")]),
        ([(PRODUCTION, {"a": ENTRY, "b": ENTRY})], [("environments.production.", "b", "a")]),
        ([(AT, {"a": ENTRY, "b": OTHER}), (PRODUCTION, {"a": {"image": OTHER["image"]}})],
         [("environments.production.", "a", "b")]),
        ([(AT, {"a": ENTRY, "b": ENTRY}), (PRODUCTION, {"a": {"owner": "bob"}})], [("", "b", "a")]),
    ],
    ids=["one image", "three", "shared and own", "both own", "a changed image", "a changed owner"],
)  # fmt: skip
def test_a_second_exception_for_an_image_is_one_problem_where_it_is_written(
    edits: list[tuple[str, Any]], expected: list[tuple[str, str, str]]
) -> None:
    assert problems_of(*edits) == [
        f"{place}services.parcel-dispatcher.unsigned_images.{name}.image: the exception {first} already covers this"
        " image; write only one exception for each image"
        for place, name, first in expected
    ]


@pytest.mark.parametrize(
    "edits",
    [
        [(AT, {"a": ENTRY, "b": OTHER})],
        [(f"environments/staging/{AT}", {"a": ENTRY}), (PRODUCTION, {"b": ENTRY})],
    ],
    ids=["two images", "two environments"],
)
def test_an_image_may_have_one_exception_in_each_environment(edits: list[tuple[str, Any]]) -> None:
    assert configured(*edits)


def test_the_message_about_a_wrong_digest_shows_the_digest() -> None:
    image = f"111111111111.dkr.ecr.eu-central-1.amazonaws.com/{'teams/' * 30}python@sha256:{'1A' * 32}"
    (problem,) = problems_of((AT, {"first": ENTRY | {"image": image}}))

    assert problem.startswith(
        f"services.parcel-dispatcher.unsigned_images.first.image: {image!r} is not allowed; write"
    )
    (problem,) = problems_of((AT, {"first": ENTRY | {"image": image + "1" * 400}}))
    assert f"{(image + '1' * 400)[:397]!r}... is not allowed" in problem


SECURITY = "environments/tools/stakeholders/security"
NOBODY = (
    "environments.tools.stakeholders.security: missing, although `unsigned_images` has exceptions for"
    " parcel-dispatcher; write who gets an e-mail when a release deploys an image without a signature"
)


@pytest.mark.parametrize("at", [AT, f"environments/production/{AT}"])
def test_an_exception_is_refused_if_nobody_would_be_notified(at: str) -> None:
    assert problems_of((at, {"first": ENTRY}), (SECURITY, [])) == [NOBODY]
    # The addresses of another environment are not notified, and without an exception none is needed.
    elsewhere = ("environments/production/stakeholders/security", ["ada@example.com"])
    assert problems_of((at, {"first": ENTRY}), (SECURITY, []), elsewhere) == [NOBODY]
    assert configured((SECURITY, []))


@pytest.mark.parametrize("at", ["", "/parcel-dispatcher", "/parcel-dispatcher/unsigned_images"])
def test_tables_of_the_tools_environment_that_are_no_tables_are_problems_of_their_own(at: str) -> None:
    problems = problems_of((f"environments/tools/services{at}", 3))

    assert [problem for problem in problems if problem.startswith("environments.tools.services")], problems


@pytest.mark.parametrize("shared", [{}, {"first": ENTRY}])
def test_an_exception_in_the_tables_of_the_tools_environment_is_refused(shared: dict[str, Any]) -> None:
    assert problems_of((AT, shared), (f"environments/tools/{AT}", {"first": ENTRY, "second": ENTRY})) == [
        f"environments.tools.services.parcel-dispatcher.unsigned_images.{name}: no service runs in this environment, so"
        " the exception has no effect; move it to services.parcel-dispatcher.unsigned_images, or to the table of a"
        " runtime environment"
        for name in ("first", "second")
    ]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (-1, "the exception ended on 2026-11-28; remove the exception, or write a valid day"),
        (0, ""),
        (90, ""),
        (91, "the exception lasts until 2027-02-28, but the latest allowed day is now 2027-02-27;"),
    ],
)
def test_an_exception_that_has_ended_or_would_last_too_long_is_a_problem(days: int, expected: str) -> None:
    entry = ENTRY | {"expires": TODAY + timedelta(days=days)}
    found = list(exception_problems(configured((f"environments/staging/{AT}", {"first": entry})), TODAY))

    assert [problem.path for problem in found] == (
        ["environments.staging.services.parcel-dispatcher.unsigned_images.first.expires"] if expected else []
    )
    assert all(problem.message.startswith(expected) for problem in found)


@pytest.mark.parametrize(
    ("edits", "places"),
    [
        ([(AT, {"first": ENDED})], [""]),
        ([(AT, {"first": ENDED, "second": OTHER})], [""]),
        ([(f"environments/production/{AT}", {"first": ENDED})], ["environments.production."]),
        (
            [(AT, {"first": ENTRY}), (f"environments/staging/{AT}", {"first": {"expires": date(2020, 1, 31)}})],
            ["environments.staging."],
        ),
        (
            [(AT, {"first": ENDED}), (f"environments/staging/{AT}", {"first": {"expires": date(2020, 2, 1)}})],
            ["", "environments.staging."],
        ),
        ([(AT, {"first": ENDED}), (f"environments/staging/{AT}", {"first": {"expires": TODAY}})], [""]),
        ([(AT, {"first": ENDED}), (f"environments/staging/{AT}", {"first": {"owner": "bob"}})], [""]),
    ],
)
def test_an_exception_that_has_ended_is_one_problem_where_it_is_written(
    edits: list[tuple[str, Any]], places: list[str]
) -> None:
    found = [problem.path for problem in exception_problems(configured(*edits), TODAY)]

    assert found == [f"{place}services.parcel-dispatcher.unsigned_images.first.expires" for place in places]


@pytest.mark.parametrize(
    ("letter", "number", "fits"), [("x", 2, True), ("x", 3, False), ("\u00e4", 1, True), ("\u00e4", 2, False)]
)
def test_exceptions_that_do_not_fit_into_a_function_are_a_problem(letter: str, number: int, *, fits: bool) -> None:
    exceptions = {
        f"number-{each}": {**(ENTRY, OTHER, THIRD)[each], "owner": "x" * 60, "reason": letter * 160}
        for each in range(number)
    }
    configuration = configured((AT, exceptions))
    (tools,) = [env for env in configuration.environments if env.kind == "tools"]
    size = len(exceptions_variable("parcel-dispatcher", tools.route))
    found = [(problem.path, problem.message) for problem in exception_problems(configuration, TODAY)]

    assert (size <= 2500) is fits
    assert [path for path, _ in found] == ([] if fits else ["services.parcel-dispatcher.unsigned_images"])
    begin = f"as JSON, the exceptions of all environments need {size} bytes"
    assert all(message.startswith(begin) for _, message in found)


def test_render_refuses_an_exception_that_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = raw_configuration((AT, {"first": ENTRY | {"expires": date(2020, 1, 31)}}))
    monkeypatch.setattr("cicd_templates.config.load.read_toml", lambda path: ended)
    monkeypatch.chdir(rendered_project())
    answer = CliRunner().invoke(main, ["render", "--out", str(tmp_path / "out")])

    assert answer.exit_code == 2
    assert "unsigned_images.first.expires: the exception ended on 2020-01-31; remove the exception" in answer.output
    assert not (tmp_path / "out").exists()
