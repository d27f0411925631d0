"""Distinguishes transient errors from errors that would occur again in the next invocation of a function."""

from __future__ import annotations

from collections.abc import Container


def is_transient(error: Exception, permanent: Container[str]) -> bool:
    """Return whether another invocation of the function can succeed after `error`.

    `permanent` has the codes of AWS errors that would occur again in another invocation.
    """
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] not in permanent
    return isinstance(error, BotoCoreError) and not isinstance(error, ParamValidationError)
