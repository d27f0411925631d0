"""The facts of a stack: written into the metadata, and read back strictly."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.errors import ConfigurationError
from cicd_templates.template.stack_facts import (
    ENVIRONMENT_KINDS,
    METADATA_KEY,
    PROTECTIONS,
    StackFacts,
    has_stack_facts,
    stack_facts,
)
from tests.unit.template.facts_fixture import FACTS

TEXT = st.text(min_size=1)
TEXTS = st.lists(TEXT).map(tuple)
MAPS = st.dictionaries(TEXT, TEXT)
ANY_FACTS = st.builds(
    StackFacts,
    **dict.fromkeys(StackFacts._fields, TEXT)
    | dict.fromkeys(("suffix", "service", "permissions_boundary", "deployed_as"), st.none() | TEXT)
    | dict.fromkeys(("sources", "after"), TEXTS)
    | dict.fromkeys(("patches", "stack_tags"), MAPS)
    | {"kind": st.sampled_from(ENVIRONMENT_KINDS), "protection": st.sampled_from(PROTECTIONS)},
)


@given(ANY_FACTS)
def test_facts_survive_the_way_through_the_metadata(facts: StackFacts) -> None:
    metadata = facts.to_metadata()

    assert StackFacts.from_metadata(metadata, "x.yaml") == facts
    assert all(isinstance(value, str | list | dict) for value in metadata.values())


def test_facts_with_their_default_value_are_not_written() -> None:
    assert list(FACTS.to_metadata()) == [
        "Project",
        "Environment",
        "Kind",
        "Layer",
        "Stack",
        "Account",
        "Region",
        "Protection",
        "Sources",
        "StackTags",
    ]
    assert FACTS._replace(role_path="/own/").to_metadata()["RolePath"] == "/own/"


def test_a_copy_has_its_suffix_in_the_name_of_its_environment() -> None:
    assert FACTS.qualified_environment == "staging"
    assert FACTS._replace(suffix="pr1").qualified_environment == "staging-pr1"


@pytest.mark.parametrize(
    ("key", "value", "detail"),
    [
        ("Account", 222222222222, "Account is 222222222222 and not a text"),
        ("Stack", "", "Stack is '' and not a text"),
        ("Kind", "toolbox", "Kind is 'toolbox' and not tools or runtime"),
        ("Protection", ["protected"], r"Protection is \['protected'\] and not protected or disposable"),
        ("After", "keys", "After is 'keys' and not a list of texts"),
        ("Sources", [1], r"Sources is \[1\] and not a list of texts"),
        ("StackTags", [], r"StackTags is \[\] and not a map of texts"),
        ("Patches", {"a": 1}, "Patches is {'a': 1} and not a map of texts"),
    ],
)
def test_a_wrong_fact_is_named_with_its_file(key: str, value: Any, detail: str) -> None:
    content = {"Metadata": {METADATA_KEY: {**FACTS.to_metadata(), key: value}}}

    with pytest.raises(ConfigurationError, match=rf"^x\.yaml: .*Metadata\.CicdTemplates\.{detail}"):
        stack_facts(content, "x.yaml")


@pytest.mark.parametrize("key", list(FACTS.to_metadata()))
def test_a_missing_fact_is_named_with_its_file(key: str) -> None:
    metadata = FACTS.to_metadata()
    del metadata[key]

    with pytest.raises(ConfigurationError, match=rf"^x\.yaml: .*its Metadata\.CicdTemplates has no {key}\)"):
        StackFacts.from_metadata(metadata, "x.yaml")


@pytest.mark.parametrize("content", [{}, {"Metadata": 1}, {"Metadata": {}}, {"Metadata": {METADATA_KEY: "text"}}])
def test_a_template_of_others_has_no_facts(content: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"x\.yaml: .*has no Metadata\.CicdTemplates"):
        stack_facts(content, "x.yaml")


def test_only_templates_that_were_rendered_here_have_facts() -> None:
    assert has_stack_facts({"Metadata": {METADATA_KEY: FACTS.to_metadata()}})
    assert not has_stack_facts({"Resources": {}})


def test_a_fact_of_a_newer_version_is_ignored() -> None:
    assert StackFacts.from_metadata({**FACTS.to_metadata(), "Moon": "full"}, "x.yaml") == FACTS
