"""Sets the value of a secret. The value comes from a prompt or from standard input, never from an argument.

No message contains the value.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import IO

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.errors import CicdError, ConfigurationError

# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
LONGEST_BYTES = 65_536


def read_value(stream: IO[str], ask: Callable[[str], str] = getpass.getpass) -> str:
    """Return the value of a secret, which is read from `stream`.

    If `stream` is a terminal, the user types the value twice without echo. Otherwise, the value is the whole content of
    `stream`, without a final line break. Raises `ConfigurationError` for an invalid value; the message does not contain
    the value.
    """
    try:
        value = _ask_twice(ask) if stream.isatty() else stream.read().removesuffix("\n").removesuffix("\r")
        size = len(value.encode())
    except UnicodeError:
        # The original error is not chained, because its message quotes bytes of the value.
        raise ConfigurationError("the value is not UTF-8 text, so nothing was set") from None
    if not value:
        raise ConfigurationError(
            "the value is empty; type it, or pass it on standard input, as in `make secret NAME=api-key < file`"
        )
    if "\0" in value or size > LONGEST_BYTES:
        raise ConfigurationError(
            f"the value has a null character or more than {LONGEST_BYTES:,} bytes, so nothing was set"
        )
    return value


def _ask_twice(ask: Callable[[str], str]) -> str:
    value = ask("Value: ")
    if ask("Again: ") != value:
        raise ConfigurationError("the two values differ, so nothing was set")
    return value


def set_secret(clients: Clients, name: str, value: str, deploy: str) -> str:
    """Set `value` as the current version of a secret, and return the version id.

    `deploy` is the command that creates the secret. Raises `CicdError` with this command if the secret does not exist.
    """
    try:
        return clients.secretsmanager.put_secret_value(SecretId=name, SecretString=value)["VersionId"]
    except clients.secretsmanager.exceptions.ResourceNotFoundException:
        raise CicdError(f"{name}: the secret does not exist; deploy it first: {deploy}") from None
