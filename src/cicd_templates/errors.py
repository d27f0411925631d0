"""Expected failures, each with the exit code of the command line.

A message names what is wrong, where, and what would be right. Any other exception is a bug and keeps its traceback.
Nothing here prints; `cli` does.
"""


class CicdError(Exception):
    """An expected failure: exit code 1."""

    exit_code = 1


class ConfigurationError(CicdError):
    """A mistake in the command line, in `environments.toml` or in a layer: exit code 2; nothing was written."""

    exit_code = 2


class RefusedError(CicdError):
    """A guard refused the operation, and what it protects is untouched: exit code 3."""

    exit_code = 3


class ChangesRemainError(CicdError):
    """The command succeeded, and changes remain to be reviewed: exit code 4."""

    exit_code = 4


class DetachedError(CicdError):
    """The command stopped watching an operation that continues in AWS: exit code 75."""

    exit_code = 75
