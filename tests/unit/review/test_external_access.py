"""The statements that reach a release's source: the same result as comparing all pairs, with much less work."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.review import external_access

words = st.text("ab/*?[]-", max_size=6)


@given(words, st.lists(words, max_size=6))
def test_a_pattern_matches_what_comparing_it_with_each_text_matches(pattern: str, texts: list[str]) -> None:
    assert external_access.matches_any(pattern, sorted(texts)) == any(fnmatchcase(text, pattern) for text in texts)


@pytest.mark.parametrize(
    ("pattern", "matches", "compared"),
    [
        pytest.param("storage.Source/service-7/source.zip", True, 0, id="an object"),
        pytest.param("storage.Source/service-7/source", False, 0, id="the beginning of an object"),
        pytest.param("storage.Source/service-7/*", True, 0, id="a folder"),
        pytest.param("storage.Source/service-7/*.zip", True, 1, id="objects of a folder"),
        pytest.param("storage.Artifacts/*", False, 0, id="another bucket"),
    ],
)
def test_only_what_begins_alike_is_compared(
    pattern: str, matches: bool, compared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def counting(text: str, pattern: str) -> bool:
        calls.append(text)
        return fnmatchcase(text, pattern)

    monkeypatch.setattr(external_access, "fnmatchcase", counting)
    texts = sorted(f"storage.Source/service-{number}/source.zip" for number in range(1000))

    assert external_access.matches_any(pattern, texts) is matches
    assert len(calls) == compared


@pytest.mark.parametrize(("pattern", "matches"), [("role/a*d", True), ("role/a*e", False)])
def test_the_second_text_that_begins_alike_is_compared_too(pattern: str, matches: bool) -> None:
    assert external_access.matches_any(pattern, ["role/abc", "role/abd", "role/b"]) is matches
