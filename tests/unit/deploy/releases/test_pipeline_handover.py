"""The upload for the pipeline: what was uploaded before, what differs, and what the object's metadata says."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.releases.archives import BUNDLE_BYTES, bundle, read_bundle
from cicd_templates.deploy.releases.pipeline_handover import Comparison, PipelineHandover
from cicd_templates.deploy.releases.templates_commit import TemplatesCommit
from cicd_templates.errors import RefusedError
from cicd_templates.template.stack_template import StackTemplate
from tests.conftest import PROJECT, environment
from tests.fakes.scripted_cloudformation import client_error
from tests.projects.stacks import stacks_of

COMMIT = TemplatesCommit("c" * 40)
CALLER = "arn:aws:sts::111111111111:assumed-role/Deployer/jane"
STAGING = tuple(stacks_of("staging"))


class Account:
    """An account with or without a bucket for templates. The bucket may be empty."""

    class exceptions:  # noqa: N801 - as boto3 spells it
        class ParameterNotFound(Exception):  # noqa: N818 - as boto3 spells it
            pass

        class NoSuchKey(Exception):  # noqa: N818 - as boto3 spells it
            pass

    def __init__(self, *, bucket: bool = True, held: bytes | None = None, **metadata: str) -> None:
        self.ssm = self.s3 = self
        self.bucket, self.held, self.metadata = bucket, held, metadata
        self.puts: list[dict[str, Any]] = []

    def get_parameter(self, **request: Any) -> Any:
        if not self.bucket:
            raise self.exceptions.ParameterNotFound
        return {"Parameter": {"Value": "bucket"}}

    def get_object(self, **request: Any) -> Any:
        assert request == {"Bucket": "bucket", "Key": "templates.zip"}
        if self.held is None:
            raise self.exceptions.NoSuchKey
        return {"Body": io.BytesIO(self.held), "Metadata": self.metadata}

    def put_object(self, **request: Any) -> Any:
        self.puts.append(request)
        return {"VersionId": "v1"}


class Refusing(Account):
    """An account with a bucket that the caller may not read."""

    def get_object(self, **request: Any) -> Any:
        raise client_error("AccessDenied", "Forbidden")


def handover(account: Any, commit: TemplatesCommit = COMMIT, stacks: Any = STAGING) -> PipelineHandover:
    return PipelineHandover(environment("tools"), account, stacks, commit, CALLER)


def other(stack: StackTemplate) -> StackTemplate:
    return StackTemplate(stack.path, f"{stack.text}# changed\n", stack.content, stack.facts)


def test_a_bucket_that_may_not_be_read_is_no_empty_one() -> None:
    with pytest.raises(ClientError, match="Forbidden"):
        handover(Refusing()).compare()


@pytest.mark.parametrize(
    ("account", "commit", "expected", "state"),
    [
        pytest.param(Account(bucket=False), COMMIT, Comparison(None), "none handed over", id="no bucket"),
        pytest.param(
            Account(held=bundle(STAGING), commit="d" * 40),
            COMMIT,
            Comparison("bucket", has_these=True),
            "handed over",
            id="the same, of another commit",
        ),
        pytest.param(
            Account(held=bundle(STAGING), sha256="x"), COMMIT, Comparison("bucket"), "handed over", id="no commit known"
        ),
        pytest.param(
            Account(held=bundle(STAGING)),
            TemplatesCommit(),
            Comparison("bucket", has_these=True),
            "handed over",
            id="a copy, whose commit nobody will know",
        ),
        pytest.param(
            Account(held=bundle([other(STAGING[0]), *STAGING[1:]]), sha256=hashlib.sha256(bundle(STAGING)).hexdigest()),
            COMMIT,
            Comparison("bucket", changed={"staging": (STAGING[0].path.name,)}),
            "older",
            id="another file, whatever the object says of itself",
        ),
    ],
)
def test_what_the_pipeline_has_is_compared_by_content(
    account: Account, commit: TemplatesCommit, expected: Comparison, state: str
) -> None:
    comparison = handover(account, commit).compare()

    assert (comparison, comparison.state) == (expected, state)


def test_a_file_more_or_less_is_a_difference_of_its_environment() -> None:
    production = read_stacks(PROJECT / "out/production")[:1]
    comparison = handover(Account(held=bundle([*STAGING[1:], *production]), commit="c")).compare()

    stems = [(each.links.environment, each.path) for each in (production[0], STAGING[0])]
    assert comparison.changed == {
        name: tuple(sorted((f"{path.stem}.configuration.json", path.name))) for name, path in stems
    }
    first = handover(Account()).compare()
    assert (first.first, len(first.changed["staging"])) == (True, 2 * len(STAGING))
    assert first.state == "none handed over"


def bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("staging/keys.yaml", bytes(BUNDLE_BYTES + 1))
    return target.getvalue()


def listed_twice() -> bytes:
    """Return a bundle that lists one file under the name of another."""
    return bundle(STAGING).replace(b"staging/network.yaml", b"staging/storage.yaml")


@pytest.mark.parametrize(
    "held",
    [b"", b"PK", bomb(), bundle(STAGING)[:-60], listed_twice()],
    ids=["empty", "short", "huge", "cut", "twice"],
)
def test_what_is_no_bundle_differs_in_every_file(held: bytes) -> None:
    assert read_bundle(held) == {}
    assert handover(Account(held=held, commit="c")).compare().changed == handover(Account()).compare().changed


def test_the_object_says_which_commit_it_is_and_who_handed_it_over() -> None:
    account = Account()

    assert handover(account).publish_templates("bucket") == "v1"
    (put,) = account.puts
    digest = hashlib.sha256(put["Body"]).hexdigest()
    assert put["Body"] == bundle(STAGING)
    assert put["Metadata"] == {"sha256": digest, "commit": "c" * 40, "handed-over-by": CALLER}
    assert put["ChecksumAlgorithm"] == "SHA256"

    handover(account, TemplatesCommit()).publish_templates("bucket")
    assert account.puts[1]["Metadata"] == {"sha256": digest, "handed-over-by": CALLER}


def test_templates_in_no_commit_are_put_nowhere() -> None:
    account = Account()

    with pytest.raises(
        RefusedError, match="uncommitted templates are not handed to the pipeline: out is not in a git work tree"
    ):
        handover(account, TemplatesCommit(problem="out is not in a git work tree")).publish_templates("bucket")
    assert account.puts == []


def test_releases_update_the_stack_of_a_service_that_has_its_pipeline_and_no_other() -> None:
    by_layer = {stack.layer: stack for stack in STAGING}
    there, absent = handover(Account()), handover(Account(bucket=False))

    assert [there.writes(by_layer[layer]) for layer in ("service", "keys")] == [True, False]
    assert not absent.writes(by_layer["service"])
