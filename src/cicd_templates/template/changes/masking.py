"""Masks secrets in the property values that CloudFormation reports, so that no secret is shown or stored."""

from __future__ import annotations

import json
import re
from typing import Any

from cicd_templates.template.secret_shapes import has_password, kinds_of_secret

MASKED_VALUE = "(secret)"
SECRET_NAME = re.compile(r"secret(?!smanager|sanager|arn|id$)|password|passphrase|token|private_?key|api_?key", re.I)
MASKED_TYPE = "AWS::SecretsManager::Secret"
# CloudFormation replaces the value of a NoEcho parameter by asterisks, also inside other values:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
_NO_ECHO = re.compile(r"\*{4,}")
_HIDDEN = re.compile(rf"{_NO_ECHO.pattern}|{re.escape(MASKED_VALUE)}")
# Lists of variables and tags, such as `[{"Name": "TOKEN", "Value": "..."}]`, have the name and value side by side.
NAME_KEYS = ("Name", "Key", "name", "key")
VALUE_KEYS = ("Value", "value")


def mask(resource_type: str, path: str, value: str) -> str:
    """Return `value` with `(secret)` in place of each secret. `value` is the property at `path`: JSON or plain text.

    These values are secrets:

    - the value of a key that suggests a secret, such as `password`, in the path or in the JSON
    - a text that looks like a key, token or password
    - every property of a Secrets Manager secret

    An empty value stays empty.
    """
    if not value:
        return value
    if resource_type == MASKED_TYPE or SECRET_NAME.search(path):
        return MASKED_VALUE
    try:
        content = json.loads(value)
    except (ValueError, RecursionError):
        return _mask_text(value)
    if not isinstance(content, dict | list):
        return _mask_text(value)
    masked = _mask_inner(content)
    return value if masked == content else json.dumps(masked)


def hides_values(text: str) -> bool:
    """Return whether a part of `text` is masked, by this program or by CloudFormation."""
    return bool(_HIDDEN.search(text))


def reported_as_hidden(text: str) -> bool:
    """Return whether CloudFormation has masked a part of `text`. This program cannot compare the masked part."""
    return bool(_NO_ECHO.search(text))


def not_compared(before: str, after: str) -> str:
    """Return `after`. If both texts have masked values, add `(cannot be compared)` behind each masked value in `after`.

    Without these words, `before` and `after` would seem to be equal, because all secrets look the same when masked.
    """
    return _HIDDEN.sub(r"\g<0> (cannot be compared)", after) if hides_values(before) else after


def _mask_inner(content: Any) -> Any:
    match content:
        case dict():
            names = [content.get(key) for key in NAME_KEYS]
            named_secret = any(isinstance(name, str) and SECRET_NAME.search(name) for name in names)
            return {key: _mask_named(key, inner, named_secret=named_secret) for key, inner in content.items()}
        case list():
            return [_mask_inner(inner) for inner in content]
        case str():
            return _mask_text(content)
    return content


def _mask_named(key: str, inner: Any, *, named_secret: bool) -> Any:
    if isinstance(inner, dict | list):
        return _mask_inner(inner)
    if inner and (SECRET_NAME.search(key) or (named_secret and key in VALUE_KEYS)):
        return MASKED_VALUE
    return _mask_inner(inner)


def _mask_text(text: str) -> str:
    return MASKED_VALUE if any(kinds_of_secret(text)) or has_password(text) else text
