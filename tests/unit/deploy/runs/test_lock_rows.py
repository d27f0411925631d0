"""The rows about the lock of an environment in `make status`."""

from __future__ import annotations

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.locking.environment_lock import EnvironmentLock
from cicd_templates.deploy.runs.status import UNREAD, lock_rows
from tests.fakes.scripted_aws import refusal


class UnreadableLock:
    """A lock whose parameter AWS does not return."""

    def __init__(self, code: str) -> None:
        self._code = code

    def holder(self) -> None:
        raise refusal(self._code)


def rows(code: str) -> list[Any]:
    return lock_rows(cast(EnvironmentLock, UnreadableLock(code)))


def test_a_lock_that_may_not_be_read_is_shown_as_such() -> None:
    assert [row.status for row in rows("AccessDeniedException")] == [UNREAD]


def test_another_error_than_a_refusal_is_not_hidden() -> None:
    with pytest.raises(ClientError, match="ThrottlingException"):
        rows("ThrottlingException")
