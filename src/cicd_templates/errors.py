"""What a user can do wrong or meet, each with the exit code of the command line.

A message says what, where and what would be right, in one line. Anything that is not a `CicdError` is a bug and keeps
its traceback. Nothing here prints; `cli` does.
"""


class CicdError(Exception):
    """An expected failure: exit code 1."""

    exit_code = 1


class ConfigurationError(CicdError):
    """A wrong call, environments file or layer: exit code 2, and nothing has been written."""

    exit_code = 2


class RefusedError(CicdError):
    """A guard said no, and what it protects is untouched: exit code 3."""

    exit_code = 3


class ChangesRemainError(CicdError):
    """What was asked for is done, and more is left to be reviewed: exit code 4."""

    exit_code = 4


class DetachedError(CicdError):
    """The watching has ended, and what is watched goes on in AWS: exit code 75."""

    exit_code = 75
