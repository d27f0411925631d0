"""Merges rows of a table about stacks. Rows that differ only in the service's name become one row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cicd_templates.review.service_names import with_placeholders

Row = tuple[str, ...]


class MergedRows:
    """The rows of one table, in the order in which they were added.

    Rows that are equal except for the service's name are stored as one row with a list of their services.
    """

    def __init__(self) -> None:
        self._first: dict[Row, Row] = {}
        self._services: dict[Row, list[str | None]] = {}
        self._all_services: set[str] = set()

    def add(self, service: str | None, rows: Iterable[Row]) -> None:
        """Add `rows`, the rows of a stack. `service` is the service to which the stack belongs, or None."""
        if service:
            self._all_services.add(service)
        for row in rows:
            pattern = tuple(with_placeholders(text, service) for text in row) if service else row
            self._first.setdefault(pattern, row)
            self._services.setdefault(pattern, []).append(service)

    def extend(self, other: MergedRows) -> None:
        """Add the rows of `other` after the rows of this table."""
        self._all_services |= other._all_services
        for pattern, services in other._services.items():
            self._first.setdefault(pattern, other._first[pattern])
            self._services.setdefault(pattern, []).extend(services)

    def to_plain(self) -> list[Any]:
        """Return the contents as a value that JSON can represent; see `extend_plain`."""
        # If all services share a row, they are not listed again. If several services share a row, `rows` shows only the
        # row with placeholders, so the row with the name of the first service is left out.
        all_services = sorted(self._all_services)
        return [
            all_services,
            [
                [
                    pattern,
                    None if services == all_services else services,
                    None if len({*services}) > 1 else self._first[pattern],
                ]
                for pattern, services in self._services.items()
            ],
        ]

    def extend_plain(self, plain: list[Any]) -> None:
        """Add the rows of another table after the rows of this table.

        `plain` is what the `to_plain` of the other table returned.
        """
        all_services, patterns = plain
        self._all_services.update(all_services)
        for texts, services, first in patterns:
            pattern = tuple(texts)
            self._first.setdefault(pattern, pattern if first is None else tuple(first))
            self._services.setdefault(pattern, []).extend(all_services if services is None else services)

    def rows(self) -> list[Row]:
        """Return the merged rows.

        If a row was merged from several services, but not from all, its first cell names these services.
        """
        merged = []
        for pattern, services in self._services.items():
            several = len({*services}) > 1
            if several and len(services) < len(self._all_services):
                merged.append((f"{pattern[0]} ({', '.join(map(str, services))})", *pattern[1:]))
            else:
                merged.append(pattern if several else self._first[pattern])
        return merged

    def texts(self) -> list[str]:
        """Return the distinct texts in the first column of the merged rows."""
        return list(dict.fromkeys(row[0] for row in self.rows()))
