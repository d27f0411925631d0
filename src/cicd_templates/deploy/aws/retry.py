"""Which errors of AWS pass by themselves, and calls that are made again until they do.

Steps are generators: each `yield` is a moment to wait, so that one loop drives many of them without threads, and a test
without time.
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
# The service failed itself; CloudFormation does not always answer these with a status of 500 or more.
SERVICE_FAILED = frozenset({"InternalFailure", "ServiceUnavailable"})
SERVER_ERROR = 500
AWS_ERRORS = (ClientError, BotoCoreError)


def is_transient(error: Exception) -> bool:
    """Whether the same call can succeed a moment later: throttled, not reached, or a fault of the service."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response["Error"]["Code"] in THROTTLED | SERVICE_FAILED or status >= SERVER_ERROR
    return isinstance(error, HTTPClientError | NotReachedError)


def credentials_expired(error: Exception) -> bool:
    """Whether the credentials have ended, which signing in again mends and nothing else."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] in EXPIRED
    return isinstance(error, CredentialRetrievalError | TokenRetrievalError | UnauthorizedSSOTokenError)


def ignore_transient(look: Callable[[], bool]) -> Callable[[], bool]:
    """Return `look` with a transient error counted as "not yet", for `Polling.until`.

    What cannot be seen for a moment decides nothing about the operation that is watched. Every other error is raised.
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
    """The answer of `call`, made again while what it meets is transient, `ATTEMPTS` times in all."""
    for _ in range(ATTEMPTS - 1):
        try:
            return call()
        except AWS_ERRORS as error:
            if not is_transient(error):
                raise
        yield
    return call()


def run_steps(steps: Steps[T], polling: Polling) -> T:
    """The end of `steps`, waiting at each of its moments: for a caller that has nothing else to drive."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        polling.pause()
