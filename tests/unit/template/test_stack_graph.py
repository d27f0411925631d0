"""The graph between stacks is derived and checked. Each mistake is reported with both stacks."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.errors import ConfigurationError
from cicd_templates.template import stack_graph
from tests.unit.template.facts_fixture import FACTS


def template(
    stack: str,
    *,
    reads: tuple[str, ...] = (),
    publishes: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    environment: str = "staging",
    kind: str = "String",
) -> stack_graph.Links:
    """Return a stack that reads and publishes paths. A path that begins with a capital letter is a list."""
    body: dict[str, Any] = {
        "Parameters": {
            "ImageUri": {"Type": "String", "Default": "x"},
            **{
                path: {"Type": f"AWS::SSM::Parameter::Value<{'List<X>' if path.istitle() else 'X'}>", "Default": path}
                for path in reads
            },
        },
        "Resources": {
            "Other": {"Type": "AWS::S3::Bucket"},
            **{
                path: {
                    "Type": "AWS::SSM::Parameter",
                    "Properties": {"Name": path, "Type": "StringList" if path.istitle() else kind},
                }
                for path in publishes
            },
        },
    }
    return stack_graph.links_of(body, FACTS._replace(stack=stack, environment=environment, after=after))


def test_the_order_follows_what_is_read_and_what_is_declared() -> None:
    stacks = [
        template("service", reads=("cluster",), after=("delivery",)),
        template("cluster", reads=("key", "Subnets"), publishes=("cluster",)),
        template("delivery"),
        template("network", reads=("key",), publishes=("Subnets",)),
        template("keys", publishes=("key",)),
    ]
    stack_graph.refuse_broken_links(stacks)

    assert stack_graph.waves(stacks) == [("delivery", "keys"), ("network",), ("cluster",), ("service",)]
    assert stack_graph.producers(stacks)["service"] == {"cluster", "delivery"}


def test_a_parameter_whose_name_is_not_written_publishes_nothing() -> None:
    parameter: dict[str, Any] = {"Type": "AWS::SSM::Parameter"}
    computed = {"Name": {"Ref": "Which"}, "Type": "String"}
    resources = {
        "Unnamed": parameter,
        "Computed": {**parameter, "Properties": computed},
        "Odd": {**parameter, "Properties": {"Name": "/a/b", "Type": {"Ref": "Which"}}},
    }

    assert stack_graph.links_of({"Resources": resources}, FACTS).publishes == {"/a/b": False}


def test_a_declared_producer_that_is_not_rendered_here_is_no_edge() -> None:
    assert stack_graph.producers([template("service", after=("elsewhere",))]) == {"service": set()}


@pytest.mark.parametrize(
    ("stacks", "expected"),
    [
        pytest.param(
            [template("a", reads=("keyy",)), template("b", publishes=("key",))],
            "a reads keyy into its parameter keyy, but no layer publishes this value; did you mean key?",
            id="misspelt",
        ),
        pytest.param(
            [template("a", reads=("zzz",)), template("b", publishes=("key",))],
            "a reads zzz into its parameter zzz, but no layer publishes this value; known names: key",
            id="unpublished",
        ),
        pytest.param([template("a", reads=("zzz",))], "known names: none", id="nothing published"),
        pytest.param(
            [template("a", reads=("key",)), template("b", publishes=("key",), environment="tools")],
            "a reads key into its parameter key, but b publishes this value in another environment",
            id="another environment",
        ),
        pytest.param(
            [template("a", reads=("key",)), template("b", publishes=("key",), kind="StringList")],
            "a reads key into its parameter key as a single value, but b publishes a list",
            id="list for a value",
        ),
    ],
)
def test_what_does_not_fit_is_reported_with_both_ends(stacks: list[stack_graph.Links], expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        stack_graph.refuse_broken_links(stacks)
    assert expected in str(caught.value)


def test_a_cycle_is_printed_whole() -> None:
    stacks = [template(name, reads=(other,), publishes=(name,)) for name, other in (("a", "b"), ("b", "c"), ("c", "a"))]

    with pytest.raises(ConfigurationError) as caught:
        stack_graph.waves(stacks)
    cycle = str(caught.value).removeprefix("the templates depend on each other in a cycle: ").split(" reads from ")
    assert sorted(cycle[:-1]) == ["a", "b", "c"]
    assert cycle[0] == cycle[-1]
    assert all({"a": "b", "b": "c", "c": "a"}[reader] == producer for reader, producer in itertools.pairwise(cycle))


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        stack_graph.refuse_broken_links([template("a", reads=("p", "q"))])
    assert str(caught.value).count("but no layer publishes this value") == 2


@given(st.lists(st.sets(st.integers(0, 9)), min_size=1, max_size=10))
def test_in_any_graph_without_cycles_producers_come_first(wanted: list[set[int]]) -> None:
    stacks = [
        template(
            f"s{number}",
            reads=tuple(f"v{other}" for other in sorted(reads) if other < number),
            publishes=(f"v{number}",),
        )
        for number, reads in enumerate(wanted)
    ]
    position = {name: index for index, wave in enumerate(stack_graph.waves(stacks)) for name in wave}

    for stack, producers in stack_graph.producers(stacks).items():
        assert all(position[producer] < position[stack] for producer in producers)
