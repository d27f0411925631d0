"""Rows that differ only in the name of their service are one row, and a row of some services names them."""

from __future__ import annotations

from cicd_templates.review.merged_rows import MergedRows


def merged(*rows: tuple[str | None, list[tuple[str, ...]]]) -> MergedRows:
    found = MergedRows()
    for service, cells in rows:
        found.add(service, cells)
    return found


def test_rows_of_all_services_have_a_placeholder() -> None:
    assert merged(("a", [("stack-a", "x")]), ("b", [("stack-b", "x")])).rows() == [("stack-{service}", "x")]


def test_a_row_of_some_services_names_them_even_if_the_others_have_no_row() -> None:
    rows = merged(("a", [("stack-a", "x")]), ("b", [("stack-b", "x")]), ("c", []), (None, [("keys", "y")]))

    assert rows.rows() == [("stack-{service} (a, b)", "x"), ("keys", "y")]
    assert rows.texts() == ["stack-{service} (a, b)", "keys"]


def test_a_row_of_one_service_keeps_its_name() -> None:
    assert merged(("a", [("stack-a", "x"), ("stack-a", "y")]), ("b", [])).rows() == [("stack-a", "x"), ("stack-a", "y")]
    assert merged(("a", [("stack-a", "x"), ("stack-a", "y")])).texts() == ["stack-a"]
