"""The hand-over to the pipeline, where the local AWS cannot get to."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.handover import Tools
from tests.conftest import environment
from tests.unit.deploy.fake_cloudformation import client_error


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
        Tools(environment("tools"), clients, ()).publish_templates()
    with pytest.raises(ClientError, match="Forbidden"):
        Tools(environment("tools"), clients, ()).handed_over()
