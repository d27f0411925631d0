"""Recognizes literal secrets by the formats of keys and tokens, by passwords in texts, and by names of variables."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

# Formats that the issuers of secrets document, so that a match is certainly a secret.
SHAPES = {
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})\b"),
    "a Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a Stripe key": re.compile(r"\b[rs]k_live_[A-Za-z0-9]{16,}\b"),
    # Header and payload are JSON objects, so both begin with an encoded `{"`: https://www.rfc-editor.org/rfc/rfc7519
    "a signed token (JWT)": re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}"),
}
WORDS = r"password|passwd|secret|token|(?:api|private|secret|access)_?key"
# Programs define names without a separator, such as PGPASSWORD, or with a capital letter instead, such as clientSecret.
# PWD alone is the working folder. In `BYPASS` and `COMPASS`, PASS is no word of its own. Two programs read a password
# from a variable with a name of another form: https://redis.io/docs/latest/develop/tools/cli/ and sshpass(1).
NAMES_A_SECRET = re.compile(
    rf"(?i:(?:^|[_.-])(?:{WORDS}|credentials?)|(?:password|passwd|passphrase|[_.-]pwd|^pw|[_.-]pw))$"
    r"|(?i:(?:^|[_.-])pass|^sshpass|^rediscli_auth)$"
    r"|[a-z0-9](?:Secret|Token|(?:Api|Private|Secret|Access)Key|Credentials?)$"
)
# The user information of a URL: https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1
PASSWORD_IN_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:(?P<value>[^\s/@]+)@")
# A password in a connection string, in JSON or in options: `Password=...;`, `"token": "..."`, `--api-key=...`.
ASSIGNED = re.compile(rf"""(?i)(?:{WORDS}|api-key|pwd)["']?\s*[=:]\s*["']?(?P<value>[^\s;&,"']+)""")
# A reference to a value that is stored elsewhere, or a placeholder for a value in a template or a document.
REFERENCE = re.compile(r"[$%{<*]|arn:|/|[a-z][a-z0-9+.-]*://")
# In the ARN of a secret, `secret:` precedes the secret's name, which ends in random characters.
ARN = re.compile(r"""arn:[\w-]+:[\w-]+:[\w-]*:\d*:[^\s;,"']+""")
# Names of resources, such as payments-db-2 or pay/token, and plain words and numbers.
NAME = re.compile(r"(?:[a-z]+\d{0,2}|[A-Z]+\d{0,2}|\d+)(?:[-_./](?:[a-z]+\d{0,2}|[A-Z]+\d{0,2}|\d+))*")
# The start of a dynamic reference, in two parts: an inlined function contains this code, and a template with such a
# reference is never certainly unchanged, so that each plan would need a change set of its stack.
DYNAMIC_REFERENCE = "{{resolve" + ":"
SHORTEST = 6
# Bits for each character, by Shannon's formula. A text of eight different characters has three.
LEAST_ENTROPY = 2.5


def kinds_of_secret(text: str) -> Iterator[str]:
    """Yield the name of each known secret format that matches a part of `text`."""
    for kind, shape in SHAPES.items():
        if shape.search(text):
            yield kind


def is_literal_secret(name: str, value: str) -> bool:
    """Return whether a variable is named like a secret, such as `API_TOKEN`, and has a literal, not empty value."""
    return bool(value) and not value.startswith((DYNAMIC_REFERENCE, "arn:")) and NAMES_A_SECRET.search(name) is not None


def has_password(text: str) -> bool:
    """Return whether `text` contains a password in a URL, or in an assignment such as `password=...`.

    An assigned value counts only if it looks random: `password=Xk29-fjw0` counts, and `token=required` does not.
    """
    text = ARN.sub("", text)
    in_url = any(not REFERENCE.match(match["value"]) for match in PASSWORD_IN_URL.finditer(text))
    return in_url or any(_looks_random(match["value"]) for match in ASSIGNED.finditer(text))


def _looks_random(value: str) -> bool:
    if len(value) < SHORTEST or REFERENCE.match(value) or NAME.fullmatch(value):
        return False
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts) >= LEAST_ENTROPY
