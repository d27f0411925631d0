"""Finds the words that differ between two texts, so that a reader does not have to compare two long values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

# ARNs, actions and paths are single words.
_WORD = re.compile(r"[\w.:/*${}@+-]+|\s+|.", re.DOTALL)
# The number of equal words that stay beside a difference. All other equal words are left out.
CONTEXT_WORDS = 12
# The largest product of the lengths of both texts. The time of a comparison is proportional to this product. Longer
# texts are not compared: the first is shown as replaced by the second.
LARGEST_PRODUCT = 250_000
# The number of characters in both texts up to which they are split into words.
LONGEST_TEXTS = 100_000
# The longest word that a cut omits as a whole. A longer word is cut inside the word.
LONGEST_CUT_WORD = 100


class Part(NamedTuple):
    """A piece of an old and a new text. `same` is in both texts, `gone` only in the old text, `new` only in the new."""

    kind: Literal["same", "gone", "new"]
    text: str


def word_difference(before: str, after: str, longest: int) -> list[Part]:
    """Compare two texts word by word. Return the equal, the removed and the new parts, in order.

    The middle of a long equal part is left out. After that, each part is cut to `longest` characters.
    """
    if len(before) + len(after) > LONGEST_TEXTS:
        return [Part("gone", cut(before, longest)), Part("new", cut(after, longest))]
    old, new = _WORD.findall(before), _WORD.findall(after)
    start = _common_length(old, new)
    end = _common_length(old[start:][::-1], new[start:][::-1])
    middle = _compare(old[start : len(old) - end], new[start : len(new) - end])
    parts = [Part("same", "".join(old[:start])), *middle, Part("same", "".join(old[len(old) - end :]))]
    filled = [part for part in parts if part.text]
    last = len(filled) - 1
    return [
        Part(part.kind, cut(_without_middle(part, number == 0, number == last), longest))
        for number, part in enumerate(filled)
    ]


def _common_length(one: Sequence[str], other: Sequence[str]) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _compare(old: Sequence[str], new: Sequence[str]) -> Iterator[Part]:
    if len(old) * len(new) > LARGEST_PRODUCT:
        yield Part("gone", "".join(old))
        yield Part("new", "".join(new))
        return
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for operation, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if operation == "equal":
            yield Part("same", "".join(old[old_start:old_end]))
        else:
            yield Part("gone", "".join(old[old_start:old_end]))
            yield Part("new", "".join(new[new_start:new_end]))


def _without_middle(part: Part, is_first: bool, is_last: bool) -> str:
    """Return the text of `part`. If the part is long and equal in both texts, keep only the words near a difference."""
    words = _WORD.findall(part.text) if part.kind == "same" else []
    if len(words) <= 2 * CONTEXT_WORDS + 1:
        return part.text
    before = "" if is_first else "".join(words[:CONTEXT_WORDS])
    after = "" if is_last else "".join(words[-CONTEXT_WORDS:])
    return f"{before} \u2026 {after}"


def cut(text: str, longest: int) -> str:
    """Return `text`, cut to at most `longest` characters. If it is cut, the number of omitted characters follows.

    The text is cut between two words if possible. A very long word, such as the JSON of a policy, is cut inside the
    word.
    """
    if len(text) <= longest:
        return text
    # If the last word ends exactly at the limit, the space after it shows this.
    kept, separator, word = text[: longest + 1].rpartition(" ")
    if not separator or len(word) > LONGEST_CUT_WORD:
        kept = text[:longest]
    return f"{kept}\u2026 ({len(text) - len(kept):,} more characters are in the plan file)"
