"""Expected failures, each with the exit code that the command line returns for it.

Each message says what is wrong, where it is wrong and how to correct it. Any other exception is a bug and keeps its
traceback. This module prints nothing; `cli` prints the messages.
"""


class CicdError(Exception):
    """An expected failure: exit code 1."""

    exit_code = 1


class ConfigurationError(CicdError):
    """A mistake in the command line, in `environments.toml` or in a layer: exit code 2; nothing was written."""

    exit_code = 2


class RefusedError(CicdError):
    """A safety check refused the operation; nothing that the check protects was changed: exit code 3."""

    exit_code = 3


class ChangesRemainError(CicdError):
    """The command succeeded, and changes remain to be reviewed: exit code 4."""

    exit_code = 4


class DetachedError(CicdError):
    """The command stopped watching an operation that continues in AWS: exit code 75."""

    exit_code = 75

    def __init__(self, message: str = "", *, under_way: bool = True) -> None:
        """`under_way` says whether AWS may still be working on what the command began."""
        super().__init__(message)
        self.under_way = under_way


class CredentialsError(DetachedError):
    """The credentials do not work, or stopped working in the middle of a command: only signing in again helps.

    What AWS has begun continues, so the exit code is 75, as for any command that can be repeated to continue.
    """
