"""Text in a cell of a Markdown table stays within the cell, and is displayed unchanged."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cicd_templates.markdown import Markup, cell, code, markdown_cell, plain, table, table_row

MARKDOWN = MarkdownIt("commonmark").enable("table")
# Text in which the characters that Markdown reads are frequent.
TEXT = st.text(st.one_of(st.sampled_from("|\\`*_[]()!<>&;# \n\r\u2028~:/-"), st.characters(exclude_categories=["Cs"])))


def rendered(cells: list[str]) -> str:
    return str(MARKDOWN.render("\n".join(table(["head"] * len(cells), [cells]))))


@given(st.lists(TEXT, min_size=1, max_size=4))
@example(["\\|", "b"])
@example(["\\", "b"])
@example(["![x](javascript:alert)", "<script>", "[a]: b"])
@example(["`a|b`", "&lt;b&gt;"])
def test_any_text_stays_in_its_cell_and_is_no_markup(cells: list[str]) -> None:
    lines = table(["head"] * len(cells), [cells])
    # A mention stands in a code span, where GitHub does not look for one.
    html = re.sub("<code>(?:[@#]+|-)</code>", "", rendered(cells))

    assert len(lines) == 3
    assert all(len(line.splitlines()) == 1 for line in lines)
    assert (html.count("<tr>"), html.count("<td>")) == (2, len(cells))
    for active in ("<a", "<img", "<script", "<code", "<strong"):
        assert active not in html


@given(st.lists(TEXT, min_size=1, max_size=4))
@example(["a \\| b", "c"])
@example(["a \\\\| b", "c"])
def test_markdown_that_a_person_wrote_stays_in_its_cell(cells: list[str]) -> None:
    line = table_row(map(markdown_cell, cells))

    assert len(line.splitlines()) == 1
    # A pipe ends a cell where an even number of backslashes stands before it.
    ends = [at for at, letter in enumerate(line) if letter == "|" and _backslashes(line[:at]) % 2 == 0]
    assert len(ends) == len(cells) + 1


def _backslashes(text: str) -> int:
    return len(text) - len(text.rstrip("\\"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x|y\nz", "x\\|y z"),
        ("s3:*", "s3:\\*"),
        ("a\\|b", "a\\\\\\|b"),
        ("<b>", "&lt;b>"),
        ("&lt;", "&amp;lt;"),
        ("a & b", "a & b"),
        ("`code`", "\\`code\\`"),
        ("_www.x", "\\_www\\.x"),
        ("_GH-1 @a a@@b #2 # 3", "\\_GH`-`1 `@`a a`@@`b `#`2 # 3"),
        ("https://x", "https\\://x"),
        ("A_B _c_", "A_B \\_c\\_"),
        ("\x1b[2J", "\\\\x1b[2J"),
        ("[a](b) [c]", "[a\\](b) [c\\]"),
    ],
)
def test_what_markdown_reads_is_escaped(text: str, shown: str) -> None:
    assert cell(text) == shown
    assert table_row([text, Markup("**bold**")]) == f"| {shown} | **bold** |"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# a", "\\# a"),
        ("  - a", "\\- a"),
        ("1. a", "1\\. a"),
        ("1.0", "1.0"),
        ("> a", "\\> a"),
        ("[x]: y", "\\[x\\]: y"),
    ],
)
def test_text_begins_no_block(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a", "`a`"),
        ("a`b", "``a`b``"),
        ("`a``", "``` `a`` ```"),
        (" a", "`  a `"),
        ("a\nb", "`a b`"),
        (" ", ""),
        ("", ""),
    ],
)
def test_text_stays_in_its_code_span(text: str, shown: str) -> None:
    assert code(text) == shown


def test_a_table_without_rows_says_so() -> None:
    assert table(["a"], []) == ["None."]
