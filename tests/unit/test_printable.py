"""Text for a terminal: on one line, with all characters visible, and without a loss."""

from __future__ import annotations

import unicodedata

import pytest

from cicd_templates.printable import printable, printable_lines
from tests.hostile.texts import hostile_texts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("flask 2.0 (\u00e9, \u6f22)", "flask 2.0 (\u00e9, \u6f22)"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x1b]8;;https://x\x1b\\y", "\\x1b]8;;https://x\\x1b\\y"),
        ("FAIL\rPASS", "FAIL PASS"),
        ("a\r\nb\u2028c\x85d\te\xa0f", "a b c d e f"),
        ("a\b\x7f", "a\\x08\\x7f"),
        ("\u202eabc\u2066\ufeff", "\\u202eabc\\u2066\\ufeff"),
        ("\ud800", "\\ud800"),
        ("a\u3164\ufe0f\U000e0101", "a\\u3164\\ufe0f\\U000e0101"),
        ("  indented", "  indented"),
        ("", ""),
    ],
)
def test_what_steers_a_terminal_or_is_not_seen_becomes_visible(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_only_a_newline_ends_a_line_of_ours() -> None:
    assert printable_lines("a\u2028b\rc\nd\n") == "a b c\nd\n"


def test_no_hostile_text_keeps_a_control_character() -> None:
    for text in hostile_texts(2000):
        shown = printable(text)
        assert {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()
        assert shown.encode().decode() == shown
        assert printable(shown) == shown
