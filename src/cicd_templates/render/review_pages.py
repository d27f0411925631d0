"""The review pages beside the templates: one `REVIEW.md` per environment, and `DIFFERENCES.md`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cicd_templates.review import differences_page, environment_page
from cicd_templates.review.reviewed_stacks import review_stacks

if TYPE_CHECKING:
    from cicd_templates.render.render import RenderedStack


def pages(stacks: Sequence[RenderedStack]) -> dict[str, str]:
    """Return the pages, keyed by their path below `out/`.

    They are made from the templates in memory, not from rendered text.
    """
    reviewed_stacks = review_stacks([stack.template for stack in stacks])
    texts = {}
    environments = {stack.environment.qualified: stack.environment for stack in stacks}
    for name, environment in environments.items():
        patches = [
            f"{stack}: {path} = {json.dumps(patch.value)} because {patch.because}"
            for stack, patched in environment.settings.patch.items()
            for path, patch in patched.items()
        ]
        overrides = environment_page.Overrides(environment.settings.provided, patches)
        texts[f"{name}/{environment_page.REVIEW_FILE}"] = environment_page.review_page(name, reviewed_stacks, overrides)
    route = [
        peer.qualified
        for environment in environments.values()
        if environment.kind == "tools"
        for peer in environment.route
    ]
    if len(route) > 1:
        texts[differences_page.DIFFERENCES_FILE] = differences_page.differences_page(reviewed_stacks, route)
    return texts
