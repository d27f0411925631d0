"""Templates read once for all that is said of them: each with its speller and its statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cicd_templates.review.spelling import Names, Speller
from cicd_templates.review.statements import Statement, statements
from cicd_templates.review.subject import Subject


@dataclass(frozen=True)
class Reviewed:
    """A subject, what spells its values, and its IAM statements."""

    subject: Subject
    speller: Speller
    statements: tuple[Statement, ...]


def reviewed(subjects: Sequence[Subject]) -> list[Reviewed]:
    """All `subjects`, each spelled with the names of all of them."""
    names = Names(subjects)
    found = []
    for subject in subjects:
        speller = Speller(subject, names)
        found.append(Reviewed(subject, speller, tuple(statements(subject.resources, speller))))
    return found
