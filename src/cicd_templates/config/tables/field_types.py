"""Defines field types that several tables share, and `matching`, which makes a field type from a pattern.

If a text does not match, the error message says what is allowed: the characters, the length limit and an example. A
field type that only one table uses is defined in the module of this table.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field


def matching(
    pattern: str, allowed: str, longest: int | None = None, *, every_script: bool = False, shown: int = 60
) -> AfterValidator:
    """Return a validator that accepts a text if `pattern` matches the complete text.

    - `allowed` is the part of the error message that says what to write.
    - `shown` is the maximum number of characters that the error message quotes from the refused text.
    - If `every_script` is true, `\\w` in `pattern` matches the letters and digits of every script, not only ASCII.
    """

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value, re.UNICODE if every_script else re.ASCII) or (
            longest is not None and len(value) > longest
        ):
            limit = f"; at most {longest} characters" if longest is not None else ""
            raise ValueError(f"{_excerpt(value, shown)} is not allowed; {allowed}{limit}")
        return value

    return AfterValidator(check)


def _excerpt(value: str, longest: int) -> str:
    return repr(value) if len(value) <= longest else f"{value[: longest - 3]!r}..."


WORD = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"


def name_part(longest: int | None = None) -> AfterValidator:
    """Return a validator for names that become parts of physical names."""
    allowed = "use lower-case letters, digits and single hyphens, beginning with a letter, such as card-pay"
    return matching(WORD, allowed, longest)


Word = Annotated[str, name_part()]

# With these limits, stack names always fit into CloudFormation's 128 characters; they must not be shortened.
PROJECT_NAME_LENGTH = 16
ENVIRONMENT_NAME_LENGTH = 12
SERVICE_NAME_LENGTH = 24
QUEUE_NAME_LENGTH = 24
TABLE_NAME_LENGTH = 24
DATABASE_NAME_LENGTH = 24
SUFFIX_LENGTH = 10

Digest = Annotated[
    str,
    matching(
        r"[a-z0-9.-]+(:\d+)?/[\w./-]+@sha256:[0-9a-f]{64}",
        "write an image with registry and digest: registry/repository@sha256:<64 lower-case hexadecimal digits>",
        # The mistake is often in the digest at the end. The name of a repository in ECR has at most 256 characters.
        shown=400,
    ),
]
ShellCommand = Annotated[str, matching(r"[\s\S]+", "write a command")]
VariableName = Annotated[
    str, matching(r"[A-Za-z_]\w*", "use letters, digits and underscores, such as LOG_LEVEL; do not begin with a digit")
]
# The path may not be absolute and may not lead out of the source.
FolderPath = Annotated[
    str,
    matching(
        r"\.|\w[\w-]*(\.[\w-]+)*(/\w[\w-]*(\.[\w-]+)*)*",
        "write a path relative to the source, such as services/pay, that does not contain `..` and does not begin or"
        " end with /",
    ),
]
UrlPath = Annotated[
    str, matching(r"/[\w./-]*", "write a path that begins with / and has only letters, digits and _ . / -")
]
REGION = r"[a-z]{2,}(-[a-z]+)+-\d"
Region = Annotated[str, matching(REGION, "write an AWS region, such as eu-central-1")]
Minutes = Annotated[int, Field(ge=0, le=1440)]
Percent = Annotated[int, Field(ge=1, le=100)]
