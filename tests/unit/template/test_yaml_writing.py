"""The program writes exactly the bytes that PyYAML writes for the same values."""

from __future__ import annotations

import random
import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.template import yaml_nodes, yaml_writing
from cicd_templates.template.cloudformation_yaml import load
from tests.conftest import ROOT
from tests.unit.template.test_cloudformation_yaml import values

TEMPLATES = sorted((ROOT / "out").glob("*/*.yaml"))
TEXTS = (
    "", " ", "a", "b c", "a  b", "a: b", "a:b", ":", "end:", "a #b", "a#b", "#", ",", "a, b", "[", "{", "}", "{a: b}",
    "${A}", "'", '"', "it's", "!Ref A", "&a", "*a", "- a", "-", "?", "? a", "|", ">", "%", "@", "`", "~", "null", "yes",
    "no", "true", "0", "012", "1.5", "1e3", "0x1f", "0o17", "2012-10-17", "12:30:00", "=", "<<", "...", "---", "+1",
    "\\", "\t", "\x85", "\u2028", "\u2029", "\ufeff", "\x07", "\xa0", "\U0001f600", "\u00fc", "a\tb", "a\r\nb",
    "a\nb", "a\nb\n", "\na", "a \nb", "a\n\n", "a\n ", "  a\nb", "a\n\n  b\n", "x" * 76, "x" * 77, "y " * 40, "x" * 130,
    "arn:${AWS::Partition}:s3:::x/*", "s3:GetObject", "AWS::S3::Bucket", "/a/b", "#!/bin/bash\nset -e\n",
)  # fmt: skip
KEYS = ("Ref", "Fn::Sub", "Fn::GetAtt", "Fn::If", "Fn::Base64", "Fn::Transform", "Condition", "Key", "Value", "A", "B")


def by_pyyaml(value: Any, column: int) -> str:
    text = yaml_nodes.text_of(yaml_nodes.node_of(value, column))
    return re.sub(r"^(?=.)", " " * column, text, flags=re.MULTILINE)


class Values:
    """Random values from a seed: such as templates have, and odder ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - test data

    def text(self) -> str:
        if self.random.random() < 0.7:
            return self.random.choice(TEXTS)
        return "".join(
            self.random.choice("ab1:#,-?[]{}&*!|>'\"%@` \n.=~$/") for _ in range(self.random.randrange(1, 9))
        )

    def scalar(self) -> Any:
        if self.random.random() < 0.7:
            return self.text()
        functions = ({"Ref": self.text()}, {"Fn::Sub": self.text()}, {"Fn::GetAtt": [self.text(), self.text()]})
        others: tuple[Any, ...] = (0, 7, -3, 8080, 10**13, True, False, None, 0.0, -0.0, 0.5, 1e300, {}, [])
        return self.random.choice((*others, *functions))

    def value(self, depth: int) -> Any:
        kind = self.random.random()
        if depth == 0 or kind < 0.4:
            return self.scalar()
        if kind < 0.65:
            return [self.value(depth - 1) for _ in range(self.random.randrange(4))]
        names = [self.random.choice(KEYS) if self.random.random() < 0.8 else self.text() for _ in range(3)]
        return {name: self.value(depth - 1) for name in names[: self.random.randrange(1, 4)]}


def check(seeds: range) -> None:
    for seed in seeds:
        drawn = Values(seed)
        value = {"A": drawn.value(1 + seed % 5)}
        for column in (0, 2, 60, 100):
            assert yaml_writing.write_yaml(value, column) == by_pyyaml(value, column), (seed, column)


def test_random_values_have_the_bytes_of_pyyaml() -> None:
    check(range(400))


@pytest.mark.long
def test_sixty_thousand_random_values_have_the_bytes_of_pyyaml() -> None:
    check(range(15_000))


@given(values, st.sampled_from([0, 2, 80]))
def test_whatever_is_written_has_the_bytes_of_pyyaml(value: Any, column: int) -> None:
    assert yaml_writing.write_yaml(value, column) == by_pyyaml(value, column)


@pytest.mark.no_cover
@pytest.mark.parametrize("path", TEMPLATES, ids=[f"{path.parent.name}/{path.name}" for path in TEMPLATES])
def test_a_committed_template_has_the_bytes_of_pyyaml(path: Any) -> None:
    value = load(path.read_text())

    assert yaml_writing.write_yaml(value, 0) == by_pyyaml(value, 0)


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
@pytest.mark.parametrize(
    "of",
    [
        pytest.param(lambda text: {"A": text}, id="value"),
        pytest.param(lambda text: {"A": [text]}, id="item"),
        pytest.param(lambda text: {"A": {text: 1}}, id="key"),
        pytest.param(lambda text: {"A": [{text: 1, "B": "c"}]}, id="key of an item"),
        pytest.param(lambda text: {"A": [{"B": text, "C": 1}]}, id="within braces"),
        pytest.param(lambda text: {"A": [{"Key": text, "Value": "b"}]}, id="key of a tag"),
        pytest.param(lambda text: {"A": [{"Key": "b", "Value": text}]}, id="value of a tag"),
        pytest.param(lambda text: {"A": {"Ref": text}}, id="short form"),
        pytest.param(lambda text: {"A": [{"Fn::Sub": text}]}, id="short form of an item"),
        pytest.param(lambda text: {"A": [{"B": {"Ref": text}, "C": 1}]}, id="short form within braces"),
        pytest.param(lambda text: {"A": {"Fn::GetAtt": ["B", text]}}, id="attribute"),
        pytest.param(lambda text: {"A": [{"B": {"Fn::GetAtt": ["B", text]}, "C": None}]}, id="attribute within braces"),
    ],
)
def test_a_text_has_the_bytes_of_pyyaml_wherever_it_stands(of: Any, text: str) -> None:
    value = of(text)

    assert yaml_writing.write_yaml(value, 0) == by_pyyaml(value, 0)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a", id="a text alone"),
        pytest.param({}, id="nothing"),
        pytest.param({"Ref": "A"}, id="a function alone"),
        pytest.param(
            {"A": [{"Fn::If": ["B", 1, 2]}, {"Fn::If": []}, {"Fn::Join": []}]}, id="functions of lists in a list"
        ),
        pytest.param({"A": {"Fn::Join": []}, "B": [[], [[1, "a"]], {}, {"C": {}}]}, id="empty ones"),
        pytest.param({"A": [{"B": 0.5, "C": 1}, {"B": ["c"], "D": 1}, 0.5], "B": 0.5}, id="fractions"),
        pytest.param({"A": {"Fn::Sub": ["${B}", {"B": 1}]}}, id="a function of a list"),
        pytest.param({"A": [{"Key": "b" * 50, "Value": "c" * 50}]}, id="a tag that is too long for one line"),
        pytest.param({"A": [{"Key": "1", "Value": 1}, {"Key": 1, "Value": "1"}]}, id="tags with numbers"),
    ],
)
def test_a_value_has_the_bytes_of_pyyaml(value: Any) -> None:
    assert yaml_writing.write_yaml(value, 0) == by_pyyaml(value, 0)


@pytest.mark.parametrize("text", ["a-long-text-" * 40, "a line of a script\n" * 40], ids=["one line", "several lines"])
def test_a_text_that_is_too_long_for_a_line_does_not_stay_in_memory(text: str) -> None:
    references = sys.getrefcount(text)

    yaml_writing.write_yaml({"A": text, "B": [text, {"C": text, "D": 1}], "E": {"Fn::Sub": text}}, 0)
    assert sys.getrefcount(text) == references
