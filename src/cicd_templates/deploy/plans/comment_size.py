"""Fits Markdown into the size limit of a comment: folds it into sections, and leaves out lines that do not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cicd_templates.plurals import counted

# GitHub refuses a comment of more than 65,536 characters. This limit counts bytes, because a text never has fewer bytes
# than characters. It leaves room for the lines that the workflow adds.
LONGEST_COMMENT = 64_500


@dataclass(frozen=True)
class Section:
    """A section of a comment. A reader unfolds the section to read its lines.

    - `title` is plain text that this program wrote.
    - `head` has Markdown lines that are always shown.
    - `lines` has further Markdown lines. Some of these can be left out to make the comment shorter.
    - `elsewhere` says in Markdown where a reader finds the omitted lines.
    """

    title: str
    lines: Sequence[str]
    elsewhere: str
    head: Sequence[str] = ()

    def text(self, shown: Sequence[str]) -> str:
        """Return the Markdown of the section: the lines in `shown`, and the number of lines that are left out."""
        omitted = len(self.lines) - len(shown)
        note = ["", f"**{counted(omitted, 'line')} left out**, because a comment has a size limit. {self.elsewhere}"]
        start = [f"<details><summary>{self.title}</summary>", "", *self.head]
        return "\n".join([*start, *shown, *(note if omitted else ()), "", "</details>", ""])


def fit(first: Sequence[str], sections: Sequence[Section], limit: int = LONGEST_COMMENT) -> str:
    """Return a comment of at most `limit` bytes: the lines in `first`, and then the sections.

    The comment always contains `first` and the title of each section, so these must be much shorter than `limit`.
    A section gets the space that earlier sections leave. If a line does not fit, the rest of its section is left out,
    and the section says how many lines are missing.
    """
    start = "\n".join([*first, "", ""])
    free = limit - _size(start) - sum(_size(section.text(())) + 1 for section in sections)
    texts = []
    for section in sections:
        shown = list(_fitting(section.lines, free))
        free -= sum(_size(line) + 1 for line in shown)
        texts.append(section.text(shown))
    return start + "\n".join(texts)


def _fitting(lines: Sequence[str], free: int) -> Iterator[str]:
    """Yield the lines up to the first line that does not fit. Later lines are less serious and are left out."""
    for line in lines:
        free -= _size(line) + 1
        if free < 0:
            return
        yield line


def _size(text: str) -> int:
    return len(text.encode())
