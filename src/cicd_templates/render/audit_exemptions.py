"""Exempts Lambda functions from a check of checkov that would mistake a Parameter Store path for a secret key.

The check searches the environment variables of functions for secrets. It mistakes 40 consecutive letters, digits and
slashes for a secret access key. If a variable refers to a template parameter, the check examines the default of the
parameter, which can be a path in Parameter Store. With some project and service names, this path has 40 characters.
"""

from __future__ import annotations

import re
from typing import Any

from cicd_templates.template.metadata import REASONS_KEY

SECRETS_CHECK = "CKV_AWS_45"
REASON = "checkov mistakes a Parameter Store path, which says where a value is, for a secret access key."
_TAKEN_FOR_KEY = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=])")


def exempt_paths_taken_for_keys(content: dict[str, Any]) -> None:
    """Exempt Lambda functions in a template from checkov's check for secrets in variables.

    A function is exempt if one of its variables contains a Parameter Store path that checkov takes for a secret key.
    """
    defaults = {
        name: parameter.get("Default", "")
        for name, parameter in content.get("Parameters", {}).items()
        if parameter["Type"].startswith("AWS::SSM::Parameter::Value<")
    }
    for resource in content["Resources"].values():
        if resource["Type"] != "AWS::Lambda::Function":
            continue
        variables = resource["Properties"].get("Environment", {}).get("Variables", {}).values()
        if any(
            isinstance(value, dict) and _TAKEN_FOR_KEY.search(defaults.get(value.get("Ref"), "")) for value in variables
        ):
            before = resource.get("Metadata", {})
            skips = before.get("checkov", {}).get("skip", [])
            resource["Metadata"] = {
                **before,
                REASONS_KEY: [*before.get(REASONS_KEY, ()), f"{REASON} ({SECRETS_CHECK})"],
                "checkov": {"skip": [*skips, {"id": SECRETS_CHECK, "comment": REASON}]},
            }
