"""Texts of `templates/environments.toml` that have a form: what is allowed, and the words that say so.

A text that does not fit is told with what would: its characters, its limit, an example.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from cicd_templates.template.tags import OWN_KEYS


def form(pattern: str, allowed: str, longest: int | None = None) -> AfterValidator:
    """Takes a text that `pattern` matches as a whole, of at most `longest` characters; `allowed` says so in words."""

    def fitting(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII) or (longest is not None and len(text) > longest):
            limit = f"; at most {longest} characters" if longest is not None else ""
            raise ValueError(f"{_shown(text)} is not allowed; {allowed}{limit}")
        return text

    return AfterValidator(fitting)


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 60 else f"{text[:57]!r}..."


WORD = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"


def word(longest: int | None = None) -> AfterValidator:
    """Takes a name of which physical names are made."""
    allowed = "use lower-case letters, digits and single hyphens, beginning with a letter, such as card-pay"
    return form(WORD, allowed, longest)


# With these the longest name that nothing may shorten, a stack's (128), always fits.
PROJECT_NAME_LENGTH = 16
ENVIRONMENT_NAME_LENGTH = 12
SERVICE_NAME_LENGTH = 24
SUFFIX_LENGTH = 10


def _tag_key(key: str) -> str:
    if key.lower().startswith("aws:"):
        raise ValueError(f"{key!r} is not allowed; tags that begin with aws: are AWS's own")
    # For IAM, keys that differ by capitals alone are one key, and given twice:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    own = {each.lower(): each for each in OWN_KEYS}.get(key.lower())
    if own:
        raise ValueError(f"{key!r} is not allowed; every resource has the tag {own} already, with a value of its own")
    return key


Word = Annotated[str, word()]
ProjectName = Annotated[str, word(PROJECT_NAME_LENGTH)]
Suffix = Annotated[str, word(SUFFIX_LENGTH)]
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
TagText = Annotated[str, form(r"[A-Za-z0-9 _.:/=+@-]+", "use letters, digits, spaces and _ . : / = + @ -", 256)]
TagKey = Annotated[
    str, form(r"[A-Za-z0-9_.:/=+@-]+", "use letters, digits and _ . : / = + @ -", 128), AfterValidator(_tag_key)
]
Email = Annotated[str, form(r"[^@\s]+@[^@\s]+\.[^@\s]+", "write an e-mail address, such as team@example.com")]
Digest = Annotated[
    str,
    form(
        r"[a-z0-9.-]+(:\d+)?/[\w./-]+@sha256:[0-9a-f]{64}",
        "name an image by registry and digest, as registry/repository@sha256: and 64 hexadecimal digits",
    ),
]
Command = Annotated[str, form(r"[\s\S]+", "write a command")]
Profile = Annotated[str, form(r".+", "name a profile of the AWS configuration")]
VariableName = Annotated[
    str, form(r"[A-Za-z_]\w*", "use letters, digits and underscores, not a digit first, such as LOG_LEVEL")
]
# Below the source: neither absolute nor upwards.
FolderPath = Annotated[
    str,
    form(
        r"\.|\w[\w-]*(\.[\w-]+)*(/\w[\w-]*(\.[\w-]+)*)*",
        "write a path below the source, such as services/pay, without .. and without a / at its beginning or end",
    ),
]
UrlPath = Annotated[str, form(r"/[\w./-]*", "write a path from / on, of letters, digits and _ . / -")]
PathPattern = Annotated[
    str, form(r"/[A-Za-z0-9_*?./-]*", "write a path from / on, such as /pay/*, of letters, digits and _ . / - * ?", 128)
]
# A word names a secret that is made here, a path a parameter, and an ARN a secret that exists.
SecretSource = Annotated[
    str,
    form(
        rf"{WORD}|/[\w./-]+|arn:[\w-]+:secretsmanager:[a-z0-9-]+:\d{{12}}:secret:[\w/+=.@-]+",
        "write a name such as database-password, the path of a parameter such as /pay/database, or the ARN of a secret",
    ),
]
Repository = Annotated[str, form(r"[\w.-]+/[\w.-]+", "write owner/name, such as octocat/Hello-World")]
Branch = Annotated[str, form(r"[\w./-]+", "use letters, digits and _ . / -, such as release/2", 255)]
ConnectionArn = Annotated[
    str,
    form(
        r"arn:[\w-]+:(codeconnections|codestar-connections):[\w-]+:\d{12}:connection/.*",
        "write the connection's ARN, such as arn:aws:codeconnections:eu-central-1:111111111111:connection/...",
    ),
]
Account = Annotated[str, form(r"\d{12}", 'write the 12 digits of an AWS account in quotes, such as "111111111111"')]
REGION = r"[a-z]{2,}(-[a-z]+)+-\d"
Region = Annotated[str, form(REGION, "write an AWS region, such as eu-central-1")]
Zone = Annotated[str, form(rf"{REGION}[a-z]", "write an availability zone, such as eu-central-1a")]
RoleArn = Annotated[
    str,
    form(
        r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+",
        "write a role's ARN, such as arn:aws:iam::111111111111:role/deployer",
    ),
]
PolicyArn = Annotated[
    str,
    form(
        r"arn:[\w-]+:iam::(\d{12}|aws):policy/[\w+=,.@/-]+",
        "write a policy's ARN, such as arn:aws:iam::111111111111:policy/boundary",
    ),
]
RolePath = Annotated[
    str,
    form(r"/([\w+=,.@-]+/)*", "begin and end it with /, such as /delivery/, of letters, digits and + = , . @ -", 512),
]
CertificateArn = Annotated[
    str,
    form(
        r"arn:[\w-]+:acm:[\w-]+:\d{12}:certificate/[\w-]+",
        "write a certificate's ARN, such as arn:aws:acm:eu-central-1:222222222222:certificate/0123-abcd",
    ),
]
Domain = Annotated[
    str, form(r"[a-z0-9-]+(\.[a-z0-9-]+)+", "write a host name in lower case, such as pay.example.com", 253)
]
OutputName = Annotated[str, form(r"[a-z_]+\.[A-Z][A-Za-z0-9]*", "write a layer's output, such as network.VpcId")]
# Where a patch is set, and why: the second is read by a reviewer, so a word is none.
PatchPath = Annotated[
    str,
    form(
        r"(Resources|Parameters|Outputs)\.\w+\..+",
        'write a path in quotes, such as "Resources.Vpc.Properties.CidrBlock"; it begins with Resources, Parameters'
        " or Outputs",
    ),
]
Reason = Annotated[str, form(r"[^\n]{10,}", "say why in at least ten characters, on one line")]
