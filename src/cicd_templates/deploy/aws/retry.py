"""Transient errors of AWS, and calls that are retried while they meet one.

Steps are generators: each `yield` is a point at which to wait, so one loop drives many of them without threads, and a
test drives them without sleeping.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.exceptions import ConnectionError as NotReachedError

from cicd_templates.deploy.aws.polling import Polling

T = TypeVar("T")
Steps = Generator[None, None, T]
# botocore has tried each of these ten times already.
ATTEMPTS = 5
THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
# Errors of the service itself; CloudFormation does not always answer them with a status of 500 or more.
SERVICE_FAILED = frozenset({"InternalFailure", "ServiceUnavailable"})
SERVER_ERROR = 500
AWS_ERRORS = (ClientError, BotoCoreError)


def is_transient(error: Exception) -> bool:
    """Return whether a retry can succeed: the call was throttled, did not reach AWS, or met an error of the service."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response["Error"]["Code"] in THROTTLED | SERVICE_FAILED or status >= SERVER_ERROR
    return isinstance(error, HTTPClientError | NotReachedError)


def credentials_expired(error: Exception) -> bool:
    """Return whether the credentials have expired, so that only signing in again helps."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] in EXPIRED
    return isinstance(error, CredentialRetrievalError | TokenRetrievalError | UnauthorizedSSOTokenError)


def ignore_transient(look: Callable[[], bool]) -> Callable[[], bool]:
    """Return `look` with a transient error counted as "not yet", for `Polling.until`.

    A failed poll decides nothing about the operation that is polled. Every other error is raised.
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
    """Return the answer of `call`, which is retried after transient errors, up to `ATTEMPTS` calls in all."""
    for _ in range(ATTEMPTS - 1):
        try:
            return call()
        except AWS_ERRORS as error:
            if not is_transient(error):
                raise
        yield
    return call()


def run_steps(steps: Steps[T], polling: Polling) -> T:
    """Run `steps` to completion, sleeping between polls, and return their result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        polling.pause()
