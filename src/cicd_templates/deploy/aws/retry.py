"""Recognizes transient errors of AWS, and retries calls that failed with a transient error.

A function that returns `Steps` is a generator. Instead of sleeping, the generator yields, and its caller waits. So one
loop can run many generators without threads, and tests need not sleep.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotReachedError

from cicd_templates.deploy.aws.polling import Polling

T = TypeVar("T")
Steps = Generator[None, None, T]
# botocore itself tries each of these calls ten times.
STEP_ATTEMPTS = 5
# IAM makes a new role known within seconds, but it can take longer until every service can assume the role:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
ROLE_SECONDS = 180.0
THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
# Errors within an AWS service. CloudFormation does not always return these with an HTTP status of 500 or more.
SERVICE_FAILED = frozenset({"InternalFailure", "ServiceUnavailable"})
SERVER_ERROR = 500
AWS_ERRORS = (ClientError, BotoCoreError)


def is_transient(error: Exception) -> bool:
    """Return whether a retry of the call may succeed.

    A retry may succeed if the call was throttled, did not reach AWS, or failed because of an error within the service.
    """
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response["Error"]["Code"] in THROTTLED | SERVICE_FAILED or status >= SERVER_ERROR
    return isinstance(error, HTTPClientError | NotReachedError)


def ignore_transient(look: Callable[[], bool]) -> Callable[[], bool]:
    """Return a function that calls `look`, and returns False if `look` raises a transient error.

    Use the function with `Polling.until`. A transient error means that a poll failed, not that the operation in AWS
    failed. All other errors are raised.
    """

    def tolerant() -> bool:
        try:
            return look()
        except AWS_ERRORS as error:
            if not is_transient(error):
                raise
            return False

    return tolerant


def retry_steps(call: Callable[[], T]) -> Steps[T]:
    """Return the result of `call`. After transient errors, repeat the call, up to `STEP_ATTEMPTS` attempts in all."""
    for _ in range(STEP_ATTEMPTS - 1):
        try:
            return call()
        except AWS_ERRORS as error:
            if not is_transient(error):
                raise
        yield
    return call()


def is_role_unknown(error: ClientError) -> bool:
    """Return whether CloudFormation refused a request because it cannot assume a role. The role may be too new."""
    message = error.response["Error"].get("Message", "")
    return error.response["Error"]["Code"] == "ValidationError" and "cannot be assumed" in message


def retry_new_role(call: Callable[[], T], polling: Polling) -> Steps[T]:
    """Return the result of `call`. Retry it after transient errors, and while CloudFormation cannot assume a new role.

    Gives up after `ROLE_SECONDS`.
    """
    deadline = polling.now() + ROLE_SECONDS
    while True:
        try:
            return (yield from retry_steps(call))
        except ClientError as error:
            if not is_role_unknown(error) or polling.now() >= deadline:
                raise
        yield


def run_steps(steps: Steps[T], polling: Polling) -> T:
    """Run `steps` to the end, with a pause after each step. Return the result of `steps`."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        polling.pause()
