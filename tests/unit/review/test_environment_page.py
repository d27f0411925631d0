"""The pages `REVIEW.md` and `DIFFERENCES.md`."""

from __future__ import annotations

import re

import pytest

from cicd_templates.markdown import table
from cicd_templates.render import processes, review_pages
from cicd_templates.render.render import render
from cicd_templates.render.review_pages import pages
from cicd_templates.review import differences_page, environment_page
from cicd_templates.review.reviewed_stacks import review_stacks
from cicd_templates.template.stack_template import StackTemplate
from templates import LAYERS
from tests.conftest import PROJECT, configured, rendered_stacks
from tests.unit.review.conftest import ACCOUNTS, one, reading, resource, role, stack_of, statement

NOTHING = environment_page.Overrides({}, ())


def differences(stacks: list[StackTemplate], *route: str) -> str:
    """Return the page that compares the environments of `route`."""
    reviewed = review_stacks(stacks)
    by_label = {
        name: {stack.template.label: stack for stack in reviewed if stack.template.environment == name}
        for name in route
    }
    compared = [(each.before, each.after, each.rows()) for each in differences_page.comparisons(by_label)]
    return differences_page.differences_page(route, compared)


def services(count: int) -> list[tuple[str, object]]:
    checks = {"bandit": {"preset": "bandit"}}
    named = {f"till-{number}": {"checks": checks, "path_pattern": f"/till-{number}/*"} for number in range(count)}
    return [("services", named), ("environments/production/services", {})]


def test_cells_keep_to_their_rows() -> None:
    assert table(("a", "b"), [("x|y\nz", "s3:*")]) == ["| a | b |", "|---|---|", "| x\\|y z | s3:\\* |"]
    assert table(("a",), []) == ["None."]


def test_the_first_ten_lines_answer_what_an_auditor_asks_first() -> None:
    excepted = resource("Lambda::Function") | {
        "Metadata": {"checkov": {"skip": [{"id": "CKV_1", "comment": "It has a reason."}]}}
    }
    here = stack_of(
        {
            "Group": resource("EC2::SecurityGroup", SecurityGroupIngress=[{"CidrIp": "0.0.0.0/0", "FromPort": 443}]),
            "JobRole": role(statement("Login", "ecr:Get"), why=("Login names every resource: it has no level",)),
            "Job": excepted,
            "Logs": resource("S3::Bucket", BucketEncryption={"SSEAlgorithm": "AES256"}),
        }
    )
    patches, unsigned = ("network: A = 1, because so",), ("basket: image x:1",)
    settings = environment_page.Overrides({"network.VpcId": "vpc-1"}, patches, unsigned)
    first = environment_page.Review(review_stacks([here])).pages({"staging": settings})["staging"].splitlines()[:11]

    assert first[0] == "# Review of staging: account 100000000002 in eu-central-1, disposable"
    assert first[2:10] == [
        "- **Reachable from the internet**: network.Group admits 0.0.0.0/0 on ports 443 to any;"
        " network.Logs does not block public access",
        "- **Access to staging from outside**: nothing",
        "- **Release permissions**: approve: nobody; start, retry or roll back an execution: nobody;"
        " override a stage condition: nobody;"
        " change the pipeline: nobody",
        "- **Exceptions that AWS requires**: statements on every resource: network.JobRole Login;"
        " network.Logs is encrypted with a key of AWS; network.Job: It has a reason (CKV_1)",
        "- **Example values to replace**: nothing",
        "- **Provided values, not checked**: network.VpcId = vpc-1",
        "- **Patched**: network: A = 1, because so",
        "- **Images that may run without a signature**: basket: image x:1",
    ]


def test_a_stack_says_what_it_reads_from_whom() -> None:
    each = stack_of({}, parameters={"Key": reading("/shop/staging/keys/KeyArn"), "Image": {"Type": "String"}})
    text = environment_page.Review(review_stacks([each])).pages({"staging": NOTHING})["staging"]

    assert "| network | What network is for | keys: KeyArn | 0 |" in text


def test_alike_rows_of_services_are_one() -> None:
    def of(service: str, *actions: str) -> object:
        grant = statement("Work", *actions, on=f"arn:aws:s3:::bucket/{service}/*")
        return stack_of({"JobRole": role(grant)}, label=f"build-{service}", service=service)

    stacks = [of("till", "s3:Get"), of("shop", "s3:Get"), of("post", "s3:Put")]
    text = environment_page.Review(review_stacks(stacks)).pages({"staging": NOTHING})["staging"]  # type: ignore[arg-type] # subjects

    assert "| build-{service} (till, shop) | JobRole | Work | s3: Get | bucket/{service}/\\* |" in text
    assert "| build-post | JobRole | Work | s3: Put | bucket/post/\\* |" in text
    assert "| build-{service} | JobRole | ecs-tasks.amazonaws.com |  |" in text


@pytest.mark.no_cover
@pytest.mark.parametrize("count", [1, 4, pytest.param(20, marks=pytest.mark.long)])
def test_a_review_stays_readable_however_many_services_there_are(count: int) -> None:
    found = pages(rendered_stacks(*services(count)))

    for name in ("tools", "staging", "production"):
        lines = found[f"{name}/REVIEW.md"].splitlines()
        assert 60 < len(lines) <= 250
        assert max(map(len, lines)) < 4000


def test_the_pages_name_copies_by_their_suffix_and_tell_of_what_is_provided_and_patched() -> None:
    patch = {
        "keys": {"Resources.Key.Properties.PendingWindowInDays": {"value": 7, "because": "the rehearsal is short"}}
    }
    configuration = configured(("environments/staging/patch", patch), suffix="pr1")
    found = pages(render(configuration, LAYERS, "yaml"))

    assert set(found) == {f"{name}-pr1/REVIEW.md" for name in ("tools", "staging", "production")} | {"DIFFERENCES.md"}
    line = "- **Patched**: keys: Resources.Key.Properties.PendingWindowInDays = 7, because the rehearsal is short"
    assert line in found["staging-pr1/REVIEW.md"].splitlines()[:11]


@pytest.mark.no_cover
def test_a_path_of_one_environment_has_no_differences() -> None:
    found = pages(rendered_stacks(("pipeline/path", ["staging"])))

    assert "DIFFERENCES.md" not in found


@pytest.mark.parametrize("shares", ["tools", None], ids=["shares the account of tools", "has its own account"])
def test_an_environment_named_by_a_word_differs_only_where_the_texts_do(shares: str | None) -> None:
    accounts = {"test": "200000000001", "live": ACCOUNTS[shares] if shares else "200000000002"}

    def stack(environment: str, **more: object) -> object:
        account = accounts[environment]
        trusts = {"AWS": [f"arn:aws:iam::{account}:root", {"Fn::Sub": f"arn:aws:iam::{ACCOUNTS['tools']}:root"}]}
        made = {
            "Rule": resource("X::Y", Description="Requests that test a live release", For=f"till-{environment}"),
            "Odd": resource("X::Y", Description=f"A test in {environment}", Uses="/shop/test/keys/KeyArn"),
            "JobRole": role(trusts=trusts),
            "Source": resource("X::Y", Account=account),
        }
        return stack_of(made | more, environment=environment, account=account)

    stacks = [stack("test"), stack("live"), stack_of({}, environment="tools", label="keys")]
    text = differences(stacks, "test", "live")  # type: ignore[arg-type] # subjects

    # The second description differs in more than the name, and live reads a value of test.
    assert [line for line in text.splitlines() if line.startswith("| ")][1:] == [
        "| network.Odd | Description | A {environment} in {environment} | A test in {environment} |",
        "| network.Odd | Uses | /shop/{environment}/keys/KeyArn | /shop/test/keys/KeyArn |",
    ]


def test_environments_differ_property_by_property_but_not_in_their_names() -> None:
    def stack(environment: str, size: int, **more: object) -> object:
        return stack_of(
            {
                "A": resource(
                    "X::Y",
                    Name=f"shop-{environment}-a",
                    Size=size,
                    Arn=f"arn:aws:s3:::shop-{environment}-b",
                    By={"Fn::Sub": f"arn:aws:s3:::shop-{environment}-b/*"},
                    List=["a" * 200] if environment == "production" else [],
                    Tags=[{"Key": "Environment", "Value": environment}],
                ),
                "B": resource("X::Y", Size=size),
                **more,
            },
            environment=environment,
        )

    before = [stack("staging", 1, Gone=resource("X::Z")), stack_of({}, label="only", environment="staging")]
    after = [stack("production", 2, New=resource("X::Z")), stack_of({}, label="late", environment="production")]
    text = differences(before + after, "staging", "production")  # type: ignore[arg-type] # subjects

    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert "Differences: 6." in text
    assert rows == [
        "| what | property | staging | production |",
        "| network.A, network.B | Size | 1 | 2 |",
        f"| network.A | List |  | {'a' * 160}... |",
        "| network.Gone | the resource | X::Z | - |",
        "| network.New | the resource | - | X::Z |",
        "| only | the stack | exists | - |",
        "| late | the stack | - | exists |",
    ]


def test_a_missing_property_is_a_dash() -> None:
    before, after = {"s": one({"A": resource("X::Y", Size=1)})}, {"s": one({"A": resource("X::Y")})}
    (comparison,) = differences_page.comparisons({"staging": before, "production": after})

    assert comparison.rows() == [("s.A", "Size", "1", "-")]


@pytest.mark.no_cover
@pytest.mark.parametrize("services_per_group", [1, 2, 1000])
def test_pages_of_stacks_in_several_parts_and_processes_are_the_same(
    monkeypatch: pytest.MonkeyPatch, services_per_group: int
) -> None:
    stacks = rendered_stacks(*services(3))
    expected = pages(stacks)
    monkeypatch.setattr(review_pages, "SERVICES_PER_GROUP", services_per_group)
    monkeypatch.setattr(processes, "STACKS_WORTH_PROCESSES", 1 if services_per_group == 2 else 1000)

    assert pages(stacks) == expected


@pytest.mark.parametrize("path", sorted(PROJECT.glob("out/*/REVIEW.md")), ids=lambda path: path.parent.name)
def test_the_committed_reviews_are_short_and_their_first_ten_lines_answer(path: object) -> None:
    lines = path.read_text().splitlines()  # type: ignore[attr-defined] # a path

    assert len(lines) <= 250
    first = [re.match(r"- \*\*([^*]+)\*\*: .+", line) for line in lines[2:10]]
    answered = [match[1] for match in first if match]
    assert answered[0] == "Reachable from the internet"
    assert {
        "Release permissions",
        "Exceptions that AWS requires",
        "Example values to replace",
        "Provided values, not checked",
    } <= set(answered)
