"""Compares the text of a template with the text that GetTemplate returns for it. Needs only the standard library.

GetTemplate returns a question mark for each character that is not ASCII, even though the stack's template contains the
character: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/814
"""

from __future__ import annotations


def as_returned(text: str) -> str:
    """Return `text` with a question mark for each non-ASCII character, as GetTemplate returns it."""
    return text.encode("ascii", "replace").decode("ascii")


def is_text_of(text: str, body: str) -> bool:
    """Return whether `body` is what GetTemplate returns for a stack with the template `text`.

    In `body`, each non-ASCII character may be a question mark.
    """
    return body.strip() in (text.strip(), as_returned(text).strip())
