"""The keys of templates have the order that a reader expects."""

from __future__ import annotations

import pytest

from cicd_templates.render.key_order import order_keys, order_values

TAGS = [{"Value": "b", "Key": "a"}]


def test_equal_tags_of_several_resources_remain_one_object() -> None:
    resources = {name: {"Type": "T", "Properties": {"Tags": TAGS}} for name in "AB"}

    ordered = order_keys({"Resources": resources})["Resources"]
    assert ordered["A"]["Properties"]["Tags"] is ordered["B"]["Properties"]["Tags"] is TAGS


@pytest.mark.parametrize("name", ["Effect", "Statement", "Code", "Tags"])
def test_a_map_of_tags_keeps_its_order(name: str) -> None:
    tags = {"Before": "a", name: "b", "Version": "c"}
    properties = {"Tags": tags, "B": "c"}

    ordered = order_keys({"Resources": {"A": {"Type": "T", "Properties": properties}}})["Resources"]["A"]["Properties"]
    for names in (ordered, order_values(properties)):
        assert list(names) == ["B", "Tags"]
        assert list(names["Tags"]) == list(tags)


def test_a_resource_begins_with_its_type_and_ends_with_its_properties_and_metadata() -> None:
    keys = ("Metadata", "Properties", "UpdatePolicy", "DeletionPolicy", "Type")

    ordered = order_keys({"Resources": {"A": {key: {} for key in keys}, "B": {"Type": "T"}}})["Resources"]
    assert list(ordered["A"]) == ["Type", "DeletionPolicy", "UpdatePolicy", "Properties", "Metadata"]
    assert list(ordered["B"]) == ["Type"]


def test_the_entries_of_a_section_keep_their_order() -> None:
    entries = {"Code": {"Type": "T"}, "Effect": {"Type": "T"}, "A": {"Type": "T"}}
    assert list(order_keys({"Resources": entries})["Resources"]) == list(entries)
