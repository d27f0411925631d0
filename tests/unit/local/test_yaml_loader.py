"""The engine reads templates with PyYAML's C classes, but with its own tags."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from cicd_templates.local.yaml_loader import read_with_c


class Engine(yaml.SafeLoader):
    """A loader such as the engine's, with a tag and without dates."""


def text_of(loader: Any, node: Any) -> Any:
    return loader.construct_scalar(node)


Engine.add_constructor("!Ref", lambda loader, node: {"Ref": text_of(loader, node)})
Engine.add_constructor("tag:yaml.org,2002:timestamp", text_of)
LOADER = read_with_c(Engine, yaml.CSafeLoader)


def read(text: str, loader: Any) -> Any:
    return loader(text).get_single_data()


def test_it_parses_in_c() -> None:
    loader = read_with_c(Engine, yaml.CSafeLoader)

    assert issubclass(loader, yaml.CSafeLoader)
    assert not issubclass(loader, yaml.SafeLoader)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("Key: !Ref Table", {"Key": {"Ref": "Table"}}, id="a tag of the engine"),
        pytest.param("Version: 2012-10-17", {"Version": "2012-10-17"}, id="no date"),
        pytest.param("a: [1, true, null, 0.5, on, '1']", {"a": [1, True, None, 0.5, True, "1"]}, id="plain values"),
        pytest.param("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}, id="a text of two lines"),
        pytest.param("<<: {a: 1}\nb: 2", {"a": 1, "b": 2}, id="merged keys"),
    ],
)
def test_it_reads_what_the_loader_of_the_engine_reads(text: str, value: Any) -> None:
    assert read(text, LOADER) == value
    assert read(text, Engine) == value


@pytest.mark.parametrize("text", ["a: !Unknown b", "a: [", "a: b: c", "!!python/object:os.system {}"])
def test_it_refuses_what_the_loader_of_the_engine_refuses(text: str) -> None:
    for loader in (LOADER, Engine):
        with pytest.raises(yaml.YAMLError):
            read(text, loader)


def test_constructors_that_the_engine_adds_elsewhere_stay_elsewhere() -> None:
    with pytest.raises(yaml.constructor.ConstructorError):
        read("a: !Ref b", yaml.CSafeLoader)
