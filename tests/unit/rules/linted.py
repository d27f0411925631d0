"""Runs a rule on a fragment of a template, and returns its findings in a short form."""

from __future__ import annotations

import os
from typing import Any
from weakref import WeakValueDictionary

from cfnlint.config import ConfigMixIn
from cfnlint.rules._rule import CloudFormationLintRule
from cfnlint.runner import Runner
from cfnlint.template.template import Template

_RUNNERS: WeakValueDictionary[str, Runner] = WeakValueDictionary()


def runner() -> Runner:
    """Return cfn-lint, configured by `.cfnlintrc`.

    It is created again only after a garbage collection: that takes a second, but its rules take 50 MB.
    """
    made = _RUNNERS.get("cfn-lint") or Runner(ConfigMixIn(["--template", os.devnull]))
    return _RUNNERS.setdefault("cfn-lint", made)


def findings(
    rule: CloudFormationLintRule, resources: dict[str, Any], facts: dict[str, Any] | None = None, **sections: Any
) -> list[str]:
    """Return each finding as `<path>: <message>`; the path begins below the resources.

    `facts` are the facts of a template that is rendered here.
    """
    metadata = {"Metadata": {"CicdTemplates": facts}} if facts else {}
    template = Template(None, {**metadata, **sections, "Resources": resources}, ["eu-central-1"])
    return [
        f"{'/'.join(map(str, match.path)).removeprefix('Resources/')}: {match.message}"
        for match in rule.match(template)
    ]
