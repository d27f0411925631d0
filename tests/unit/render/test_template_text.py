"""The keys of templates have the order that a reader expects."""

from __future__ import annotations

import pytest

from cicd_templates.render.template_text import order_keys

TAGS = [{"Value": "b", "Key": "a"}]


def test_equal_tags_of_several_resources_remain_one_object() -> None:
    resources = {name: {"Type": "T", "Properties": {"Tags": TAGS}} for name in "AB"}

    ordered = order_keys({"Resources": resources})["Resources"]
    assert ordered["A"]["Properties"]["Tags"] is ordered["B"]["Properties"]["Tags"] is TAGS


@pytest.mark.parametrize("name", ["Effect", "Statement", "Code", "Tags"])
def test_a_map_of_tags_keeps_its_order(name: str) -> None:
    tags = {"Before": "a", name: "b", "Version": "c"}

    ordered = order_keys({"Resources": {"A": {"Type": "T", "Properties": {"Tags": tags, "B": "c"}}}})
    assert list(ordered["Resources"]["A"]["Properties"]) == ["B", "Tags"]
    assert list(ordered["Resources"]["A"]["Properties"]["Tags"]) == list(tags)
