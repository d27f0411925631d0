"""Signed statements that are changed and signed again, as somebody could do who has the right to sign, or a key."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from cicd_templates.functions import evidence_format as form

Change = Callable[[dict[str, Any]], None]
# Returns the signature of a message, which is not hashed yet.
Sign = Callable[[bytes], bytes]


def signed_again(files: Mapping[str, bytes], changes: Mapping[str, Change], sign: Sign) -> dict[str, bytes]:
    """Return the files of a signed folder with changed statements. The release statement lists them and is signed last.

    A change of the release statement is made after the other changes.
    """
    changed = dict(files)
    for name in [name for name in changes if name != form.RELEASE]:
        changed[name] = _signed(changed[name], changes[name], sign)

    def listed(release: dict[str, Any]) -> None:
        for entry in release["subject"]:
            if entry["name"] in changes:
                entry["digest"] = {"sha256": hashlib.sha256(changed[entry["name"]]).hexdigest()}
        if form.RELEASE in changes:
            changes[form.RELEASE](release)

    return changed | {form.RELEASE: _signed(changed[form.RELEASE], listed, sign)}


def _signed(content: bytes, change: Change, sign: Sign) -> bytes:
    statement = json.loads(base64.b64decode(json.loads(content)["payload"]))
    change(statement)
    payload = form.canonical_json(statement)
    return form.envelope(payload, "k", sign(form.signed_bytes(payload)))
