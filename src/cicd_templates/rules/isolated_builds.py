"""E9164: a build project that runs the application's code says so in its metadata and has no secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource, known_text
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding
from cicd_templates.template.application_code import application_code_problems

# The metadata key that marks a project whose commands run the application's code on purpose.
RUNS_APPLICATION = "RunsApplication"
IF_MEANT = (
    "replace the call with the commands that the program would run. If the build is meant to run the application, set"
    f" {RUNS_APPLICATION}: true in the Metadata of the project"
)
SECRET_SECTIONS = re.compile(r"^[ \t]*(secrets-manager|parameter-store):", re.MULTILINE)


class IsolatedBuilds(ResourceRule):
    """Refuse builds that could run the application's code by accident, or that run it on purpose but have secrets."""

    id = "E9164"
    shortdesc = "A build project that runs the application's code says so in its metadata and has no secrets"
    description = (
        "The application's code could replace the tools that a build installs. A build can start this code by accident:"
        " CodeBuild runs commands in the folder of the source, and without the option `-I`, `python3 -m venv` runs a"
        " file `venv.py` from this folder. So start Python with `-I`, and start no script of the source. If a build is"
        f" meant to run the application, its project needs the metadata `{RUNS_APPLICATION}: true`, and must not take"
        " variables from Secrets Manager or Parameter Store."
    )
    source_url = "docs/rules.md#e9164"
    tags = ["pipeline", "secrets"]
    types = frozenset({"AWS::CodeBuild::Project"})

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield the findings about a build project.

        If the metadata says that the build runs the application, each secret of the build is a finding. Otherwise,
        these commands are findings:

        - a command that starts Python without `-I`
        - a command that starts a program of the application
        """
        runs_application = any(node.value is True for node in resource.values("Metadata", RUNS_APPLICATION))
        for node in resource.properties("Source", "BuildSpec"):
            text = known_text(node.value) or ""
            problems = _secrets_in(text) if runs_application else application_code_problems(text, IF_MEANT)
            yield from (RuleFinding(problem, node.path) for problem in problems)
        if runs_application:
            for node in resource.properties("Environment", "EnvironmentVariables", EACH):
                variable = node.value if isinstance(node.value, dict) else {}
                if variable.get("Type") in ("SECRETS_MANAGER", "PARAMETER_STORE"):
                    name = variable.get("Name")
                    yield RuleFinding(f"{name} is a secret that the application could read; remove it", node.path)


def _secrets_in(text: str) -> Iterator[str]:
    for found in SECRET_SECTIONS.finditer(text):
        yield f"the application could read the values that the build gets from {found[1]}; remove {found[1]}"
