"""A review of many stacks reads each template when needed, and keeps no template in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from cicd_templates.review import differences_page
from cicd_templates.review.name_index import NameIndex
from cicd_templates.review.reviewed_stacks import ReviewedStacks
from cicd_templates.template.stack_facts import StackFacts
from cicd_templates.template.stack_template import StackTemplate
from tests.unit.review.conftest import reading, resource, stack_of

KEYS = stack_of({"KeyArn": resource("SSM::Parameter", Name="/shop/keys/KeyArn", Value={"Ref": "Key"})}, label="keys")
READER = stack_of({}, parameters={"Key": reading("/shop/keys/KeyArn")}, label="reader")


@dataclass
class Counted:
    """A template that counts how often it is read."""

    stack: StackTemplate
    reads: list[str] = field(default_factory=list)
    name_reads: list[str] = field(default_factory=list)

    @property
    def without_text(self) -> StackTemplate:
        self.reads.append(self.stack.label)
        return self.stack

    @property
    def names(self) -> NameIndex:
        self.name_reads.append(self.stack.label)
        return NameIndex([self.stack])

    @property
    def facts(self) -> StackFacts:
        return self.stack.facts

    @property
    def label(self) -> str:
        return self.stack.label


def test_each_pass_reads_every_template_once() -> None:
    sources = [Counted(KEYS), Counted(READER)]
    stacks = ReviewedStacks(sources)

    for _ in range(2):
        assert [stacks.review(source).template for source in sources] == [KEYS, READER]
    assert [len(source.reads) for source in sources] == [2, 2]
    # The names in all stacks are needed before the first review.
    assert [len(source.name_reads) for source in sources] == [1, 1]


def test_a_stack_is_found_by_its_label_and_knows_the_names_in_all_others() -> None:
    by_label = ReviewedStacks([Counted(KEYS), Counted(READER)]).by_label("staging")

    assert (list(by_label), len(by_label)) == (["keys", "reader"], 2)
    assert by_label["reader"].formatter.format({"Ref": "Key"}) == "keys.Key"
    assert by_label.get("absent") is None
    assert not ReviewedStacks([]).by_label("staging")


def test_preparing_a_comparison_reads_no_template() -> None:
    route = ("staging", "production")
    sources = [Counted(stack_of({}, label=label, environment=name)) for name in route for label in ("one", "two")]
    stacks = ReviewedStacks(sources)

    comparisons = differences_page.comparisons({name: stacks.by_label(name) for name in route})
    assert [comparison.label for comparison in comparisons] == ["one", "two"]
    assert [source.reads + source.name_reads for source in sources] == [[]] * 4
