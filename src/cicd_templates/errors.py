"""Defines the exceptions for expected failures, each with the exit code of the command line.

Each message says what is wrong, where it is wrong and how to correct it. Any other exception is a bug and keeps its
traceback. This module prints nothing; `cli` prints the messages.
"""

from collections.abc import Sequence


def closest(word: str, known: Sequence[str]) -> str:
    """Return the known name that is most similar to `word`, or an empty string if none is similar."""
    import difflib  # this takes time, and only a few messages need it

    return next(iter(difflib.get_close_matches(word, known, n=1)), "")


def suggestion(word: str, known: Sequence[str], most: int | None = None) -> str:
    """Return a hint for the user who typed `word`, an unknown name.

    The hint has a similar known name. If no name is similar, it has the first `most` known names.
    """
    close = closest(word, known)
    return f"did you mean {close}?" if close else f"known names: {', '.join(known[:most]) or 'none'}"


class CicdError(Exception):
    """An expected failure. The exit code is 1."""

    exit_code = 1


class ConfigurationError(CicdError):
    """The command line, `environments.toml` or a layer has a mistake. Nothing was written. The exit code is 2."""

    exit_code = 2


class NoTerminalError(ConfigurationError):
    """The command needs an answer from the user, but there is no terminal. Nothing was changed. The exit code is 2."""


class RefusedError(CicdError):
    """A safety check refused the operation. Nothing that the check protects was changed. The exit code is 3."""

    exit_code = 3


class ChangesRemainError(CicdError):
    """The command succeeded, and some changes must still be reviewed. The exit code is 4."""

    exit_code = 4


class DetachedError(CicdError):
    """The command has stopped watching an operation that continues in AWS. The exit code is 75."""

    exit_code = 75

    def __init__(self, message: str = "", *, under_way: bool = True) -> None:
        """`under_way` says whether AWS may still be working on an operation of the command."""
        super().__init__(message)
        self.under_way = under_way


class CredentialsError(DetachedError):
    """The credentials do not work, or have stopped working during a command. The user has to sign in again.

    AWS continues the operations that have begun. The exit code is 75: after signing in, the user can run the same
    command again to follow these operations.
    """


class MissingCodeError(CredentialsError):
    """The credentials need an MFA code, but there is no terminal at which the user could type the code."""
