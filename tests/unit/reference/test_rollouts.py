"""The page about rollouts is current, and each of its steps is a real and small difference."""

from __future__ import annotations

import re

from cicd_templates.reference.rollouts import ROLLOUT_STEPS, rollouts_page
from templates import LAYERS
from tests.conftest import ROOT


def test_the_page_is_current_and_each_step_is_a_small_difference_of_the_service() -> None:
    page = rollouts_page(LAYERS)
    steps = re.findall(r"^### \d+\. `(.+?)`\n.*?```diff\n(.*?)```", page, re.MULTILINE | re.DOTALL)

    assert page == (ROOT / "docs/rollouts.md").read_text()
    assert [line for line, _ in steps] == [step.line for step in ROLLOUT_STEPS]
    for line, difference in steps:
        changed = [each for each in difference.splitlines() if each.startswith(("+", "-"))]
        assert 0 < len(changed) <= 30, line
        assert max(map(len, page.splitlines())) <= 120
