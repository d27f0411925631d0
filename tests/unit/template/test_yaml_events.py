"""Reading from events gives the same values as PyYAML. YAML that the program never writes is left to PyYAML."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.template import cloudformation_yaml, yaml_events
from tests.conftest import PROJECT
from tests.unit.template.test_cloudformation_yaml import values

TEMPLATES = sorted((PROJECT / "out").glob("*/*.yaml"))


def by_pyyaml(text: str) -> Any:
    return yaml.load(text, Loader=cloudformation_yaml._Loader)  # noqa: S506 - a subclass of the safe loader


def by_events(text: str) -> Any:
    return yaml_events.read_yaml(text, cloudformation_yaml._long_form)


def outcome(text: str, read: Any) -> Any:
    try:
        return repr(read(text))
    except (yaml.YAMLError, ValueError) as error:
        return type(error)


@pytest.mark.no_cover
@pytest.mark.parametrize("path", TEMPLATES, ids=[f"{path.parent.name}/{path.name}" for path in TEMPLATES])
def test_a_committed_template_is_read_as_pyyaml_reads_it(path: Any) -> None:
    text = path.read_text()

    assert repr(by_events(text)) == repr(by_pyyaml(text))


@given(values)
def test_what_is_dumped_is_read_as_pyyaml_reads_it(value: Any) -> None:
    text = cloudformation_yaml.dump(value)

    assert repr(by_events(text)) == repr(by_pyyaml(text))


pieces = st.sampled_from(
    [
        "a", "b: ", "- ", "\n", "\n  ", ": ", "{", "}", "[", "]", ", ", "&a ", "*a", "<<: ", "!Ref ", "!GetAtt A.B",
        "!!str ", "! ", "!Sub [a, {b: c}]", "'", '"', "1", "0x1f", "1_000", "1:30", "1e3", ".inf", "yes", "~", "null",
        "2012-10-17", "=", "# c", "---\n", "...\n", "? ", "|\n  ", "%", "\t", "\x07",
    ]
)  # fmt: skip


@given(st.lists(pieces, max_size=12).map("".join))
def test_whatever_is_written_is_read_or_refused_as_by_pyyaml(text: str) -> None:
    assert outcome(text, cloudformation_yaml.load) == outcome(text, by_pyyaml)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("A: &a [1]\nB: *a\n", id="an alias"),
        pytest.param("A: &a {B: 1}\nC: {<<: *a, D: 2}\n", id="a merge"),
        pytest.param("A: {<<: {B: 1}}\n", id="a merge without an alias"),
        pytest.param("1: a\n", id="a key that is no text"),
        pytest.param("A: !!str 1\n", id="a tag of YAML"),
        pytest.param("A: ! 1\n", id="a tag without a name"),
        pytest.param("A: =\n", id="the default value of YAML 1.1"),
        pytest.param("", id="nothing"),
        pytest.param("A: 1\n---\nB: 2\n", id="two documents"),
        pytest.param("A: &a 2012-10-17\n", id="a date with an anchor"),
        pytest.param("A: &a b\nB: [!Ref C, !Sub {D: e}, !If [f]]\n", id="an anchor beside functions"),
    ],
)
def test_what_the_program_does_not_write_is_left_to_pyyaml(text: str) -> None:
    with pytest.raises(yaml_events.UnusualYAMLError):
        by_events(text)
    assert outcome(text, cloudformation_yaml.load) == outcome(text, by_pyyaml)


def test_depth_that_python_cannot_follow_is_left_to_pyyaml() -> None:
    text = "\n".join(f"{' ' * depth}a:" for depth in range(900))

    assert repr(cloudformation_yaml.load(text)) == repr(by_pyyaml(text))
