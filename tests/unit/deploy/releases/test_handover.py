"""The hand-over to the pipeline, where the local AWS cannot get to."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.releases.archives import bundle
from cicd_templates.deploy.releases.handover import PipelineHandover
from tests.conftest import environment
from tests.fakes.scripted_cloudformation import client_error


class Refusing:
    """An account that has the bucket and does not let us look into it."""

    class exceptions:  # noqa: N801 - as boto3 spells it
        class ParameterNotFound(Exception):  # noqa: N818 - as boto3 spells it
            pass

    def __init__(self) -> None:
        self.ssm = self.s3 = self

    def get_parameter(self, **request: Any) -> Any:
        return {"Parameter": {"Value": "bucket"}}

    def head_object(self, **request: Any) -> Any:
        raise client_error("403", "Forbidden")


def test_a_bucket_that_may_not_be_read_is_no_empty_one() -> None:
    clients: Any = Refusing()

    with pytest.raises(ClientError, match="Forbidden"):
        PipelineHandover(environment("tools"), clients, ()).publish_templates()
    with pytest.raises(ClientError, match="Forbidden"):
        PipelineHandover(environment("tools"), clients, ()).handed_over()


class Keeping(Refusing):
    """An account whose bucket has a bundle of that digest, or which has no bucket."""

    def __init__(self, digest: str | None) -> None:
        super().__init__()
        self.digest = digest

    def get_parameter(self, **request: Any) -> Any:
        if self.digest is None:
            raise self.exceptions.ParameterNotFound
        return super().get_parameter(**request)

    def head_object(self, **request: Any) -> Any:
        return {"Metadata": {"sha256": self.digest}}


def test_whether_releases_take_the_templates_of_now_is_known_by_their_digest() -> None:
    now = hashlib.sha256(bundle(())).hexdigest()
    found = []
    for digest in (now, "another", None):
        clients: Any = Keeping(digest)
        found.append(PipelineHandover(environment("tools"), clients, ()).handed_over())

    assert found == ["handed over", "older", "none"]
