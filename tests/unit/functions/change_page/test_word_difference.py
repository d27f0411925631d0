"""The words that differ between two values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.functions.change_page import word_difference as words
from cicd_templates.functions.change_page.word_difference import Part, cut, word_difference

LONG = " ".join(f"w{number}" for number in range(100))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param("", "", [], id="nothing"),
        pytest.param("30", "60", [("gone", "30"), ("new", "60")], id="a number"),
        pytest.param("", "x", [("new", "x")], id="a new value"),
        pytest.param("x y", "", [("gone", "x y")], id="a value that goes"),
        pytest.param("same", "same", [("same", "same")], id="equal"),
        pytest.param(
            '["s3:GetObject"]',
            '["s3:GetObject", "s3:PutObject"]',
            [("same", '["s3:GetObject"'), ("new", ', "s3:PutObject"'), ("same", "]")],
            id="one more action is one word",
        ),
        pytest.param(
            "a 1 b 2 c", "a 3 b 4 c",
            [("same", "a "), ("gone", "1"), ("new", "3"), ("same", " b "), ("gone", "2"), ("new", "4"), ("same", " c")],
            id="in two places",
        ),
    ],
)  # fmt: skip
def test_the_words_that_differ_are_found(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    assert word_difference(before, after, 100) == expected


@given(st.text(alphabet="ab .", max_size=20), st.text(alphabet="ab .", max_size=20))
def test_the_parts_make_up_both_texts(before: str, after: str) -> None:
    parts = word_difference(before, after, 100)

    assert "".join(part.text for part in parts if part.kind != "new") == before
    assert "".join(part.text for part in parts if part.kind != "gone") == after


def test_long_equal_parts_keep_only_the_words_beside_a_difference() -> None:
    assert word_difference(f"{LONG} x {LONG}", f"{LONG} y {LONG}", 100) == [
        Part("same", " … w94 w95 w96 w97 w98 w99 "),
        Part("gone", "x"),
        Part("new", "y"),
        Part("same", " w0 w1 w2 w3 w4 w5 … "),
    ]
    between = word_difference(f"1 {LONG} 2", f"3 {LONG} 4", 100)[2]
    assert between.kind == "same"
    assert between.text.startswith(" w0 w1 ")
    assert between.text.endswith(" w98 w99 ")


def test_two_very_long_texts_are_replaced_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "LARGEST_PRODUCT", 8)

    assert word_difference("a b", "c b d", 100) == [("gone", "a b"), ("new", "c b d")]


def test_texts_of_a_hundred_thousand_characters_are_not_split_into_words() -> None:
    assert word_difference("x " * 25_000, "x " * 25_001, 3) == [
        ("gone", "x x… (49,997 more characters are in the plan file)"),
        ("new", "x x… (49,999 more characters are in the plan file)"),
    ]


def test_a_long_part_says_how_much_is_left_out() -> None:
    assert cut("x" * 1200, 1200) == "x" * 1200
    assert cut("allow s3:Get on the bucket", 11) == "allow… (21 more characters are in the plan file)"
    assert cut("allow s3:Get on the bucket", 12) == "allow s3:Get… (14 more characters are in the plan file)"
    assert cut(f"allow {'x' * 3000}", 1200) == f"allow {'x' * 1194}… (1,806 more characters are in the plan file)"
    assert cut("x" * 3000, 1200) == f"{'x' * 1200}… (1,800 more characters are in the plan file)"
