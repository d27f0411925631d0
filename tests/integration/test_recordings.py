"""Compares the local AWS with recorded answers of AWS in the folder that AWS_RECORDINGS names.

Only the fields that our code reads are compared. docs/fakes.md lists the known differences.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from cicd_templates.deploy.aws.clients import Clients, local_clients
from cicd_templates.local.engine_process import Engine
from tests.conftest import ROOT
from tests.fakes import recorded_services as services
from tests.fakes import recorded_situations as situations
from tests.fakes.recorded_services import ServiceAccount, read_part
from tests.fakes.recorded_situations import Account, Answers
from tests.fakes.recordings import FOLDER, differences, recorded
from tests.unit.test_read_fields import listed_fields
from tests.unit.test_recordings import EARLIER, SITUATIONS

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(FOLDER is None, reason="AWS_RECORDINGS names no folder of recorded answers"),
]
REGION: Final = "eu-central-1"
# Account ids that the comparison knows as such; each situation has one of its own.
_accounts = ("".join(digits) for digits in itertools.product("12", repeat=12))
PAGE = (ROOT / "docs/fakes.md").read_text()
# The change set that a stack was made from, which CloudFormation adds to its description, is not read from there.
FIELDS = frozenset(name for fields in listed_fields().values() for path in fields for name in path.split(".")) - {
    "ChangeSetId"
}
SECONDS = 20.0


def clients(engine: Engine) -> Clients:
    return local_clients(engine.url, next(_accounts), REGION, engine.secret)


def otherwise(entry: str) -> bool:
    """Return whether docs/fakes.md lists a difference of the local AWS in this situation."""
    return f"| `{entry.rpartition('::')[2]}` | " in PAGE


def compare(theirs: Answers, ours: Answers, fields: frozenset[str], skipped: set[str]) -> list[str]:
    compared = (theirs.keys() & ours.keys()) - skipped
    assert compared, f"{theirs.keys()} {ours.keys()}"
    return [
        line
        for key in sorted(compared)
        for line in differences(read_part(theirs[key], fields), read_part(ours[key], fields), key)
    ]


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "entry", "situation"), services.SITUATIONS, ids=[entry for _, entry, _ in services.SITUATIONS]
)
def test_the_services_of_the_local_aws_answer_as_aws_did(
    engine: Engine, file: str, entry: str, situation: Callable[[ServiceAccount], Answers]
) -> None:
    local = clients(engine)

    def make_bucket(name: str, tags: list[dict[str, str]]) -> None:
        local.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        if tags:
            local.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})  # type: ignore[typeddict-item] # tags

    different = compare(recorded(file, entry), situation(ServiceAccount(local, make_bucket)), services.READ, set())

    assert bool(different) == otherwise(entry), different


def settled(local: Clients) -> bool:
    for stack in local.cloudformation.describe_stacks()["Stacks"]:
        if stack["StackStatus"].endswith("_IN_PROGRESS") and stack["StackStatus"] != "REVIEW_IN_PROGRESS":
            return False
        for change_set in local.cloudformation.list_change_sets(StackName=stack["StackName"])["Summaries"]:
            if change_set["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                return False
    return True


@pytest.mark.long
@pytest.mark.parametrize(("file", "entry", "situation"), SITUATIONS, ids=[entry for _, entry, _ in SITUATIONS])
def test_the_local_cloudformation_answers_as_aws_did(
    engine: Engine, file: str, entry: str, situation: Callable[[Account], Answers]
) -> None:
    local = clients(engine)

    def settle() -> None:
        end = time.monotonic() + SECONDS
        while not settled(local):
            assert time.monotonic() < end, "the stacks do not settle"
            time.sleep(0.02)

    def put(value: str) -> None:
        local.ssm.put_parameter(Name=situations.PATH, Value=value, Type="String", Overwrite=True)

    account = Account(local.cloudformation, local.ssm, settle, put)
    skipped = EARLIER.get(entry.rpartition("::")[2], set())
    try:
        different = compare(recorded(file, entry), situation(account), FIELDS, skipped)
    except local.cloudformation.exceptions.ClientError as error:
        different = [str(error)]

    assert bool(different) == otherwise(entry), different


def test_each_row_of_the_page_is_a_situation_that_is_compared() -> None:
    section = PAGE.partition("## Where the local AWS answers otherwise")[2].partition("\n## ")[0]
    known: list[Any] = [*services.SITUATIONS, *SITUATIONS]

    assert set(re.findall(r"^\| `(\S+)` \|", section, re.M)) <= {entry.rpartition("::")[2] for _, entry, _ in known}
