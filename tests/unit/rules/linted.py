"""What a rule finds in a fragment of a template, as a person would write it down."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from cfnlint.config import ConfigMixIn
from cfnlint.rules._rule import CloudFormationLintRule
from cfnlint.runner import Runner
from cfnlint.template.template import Template


@cache
def runner() -> Runner:
    """cfn-lint as `.cfnlintrc` sets it up; made once, since that takes a second."""
    return Runner(ConfigMixIn(["--template", os.devnull]))


def findings(
    rule: CloudFormationLintRule, resources: dict[str, Any], facts: dict[str, Any] | None = None, **sections: Any
) -> list[str]:
    """`<path>: <message>`, the path from the resources on; `facts` are those of a template that is rendered here."""
    metadata = {"Metadata": {"CicdTemplates": facts}} if facts else {}
    template = Template(None, {**metadata, **sections, "Resources": resources}, ["eu-central-1"])
    return [
        f"{'/'.join(map(str, match.path)).removeprefix('Resources/')}: {match.message}"
        for match in rule.match(template)
    ]
