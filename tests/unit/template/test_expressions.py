"""What reads a template for a plan, a policy or a check also reads intrinsic functions in place of values."""

from __future__ import annotations

from hypothesis import given

from cicd_templates.deploy.permissions.policies import policies
from cicd_templates.render.equal_names import refuse_equal_names
from cicd_templates.template.access_paths import changed_paths
from cicd_templates.template.deletion_protection import protecting_setting
from cicd_templates.template.policy_diff import compare
from cicd_templates.template.stack_graph import links_of
from tests.projects.expressions import ChangedStack, stacks_with_an_expression


@given(stacks_with_an_expression())
def test_every_reader_accepts_an_expression_in_any_property(drawn: ChangedStack) -> None:
    before, after, logical_id = drawn
    refuse_equal_names([after])

    assert links_of(after.content, after.facts).reads == before.links.reads
    assert policies([after], destroying=True).keys() >= policies([after]).keys()
    assert protecting_setting(after.resources[logical_id]) in ("", protecting_setting(before.resources[logical_id]))
    for old, new in ((before, after), (after, before)):
        if old.resources[logical_id] != new.resources[logical_id]:
            compare(logical_id, old.resources, new.resources)
            changed = changed_paths(old.label, logical_id, old.resources, new.resources)
            assert {path.change for path in changed} <= {"same", "new", "gone"}
