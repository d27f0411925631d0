"""Some builds must not run the application. This module finds commands of these builds that could run the application.

The lint rule E9164 finds the same commands, but it names a line of a template instead of the key with the command.
"""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.tables.service import ServiceTable
from cicd_templates.config.validation.problem import Problem
from cicd_templates.template.application_code import application_code_problems

WRITE_IT_OUT = "replace the call with the commands that the program would run"


def problems(settings: ServiceTable, where: str) -> Iterator[Problem]:
    """Yield a problem for each command that could run the application, although its build must not run the application.

    These builds must not run the application:

    - the build of the bill of materials, because it stores evidence
    - a check with `runs_application = false`
    - a check with a preset that only reads the source
    """
    for index, command in enumerate(settings.build.sbom):
        for message in application_code_problems(command, f"{WRITE_IT_OUT}, because this build stores evidence"):
            yield Problem(f"{where}.build.sbom[{index}]", message)
    for name, check in settings.checks.items():
        if not check.may_run_application:
            at = f"{where}.checks.{name}"
            keys = {
                **{f"{at}.install[{index}]": command for index, command in enumerate(check.install)},
                **({f"{at}.version": check.version} if check.version else {}),
                **{f"{at}.commands[{index}]": command for index, command in enumerate(check.commands)},
            }
            permit = "set runs_application = true" if check.runs_application is None else "remove runs_application"
            for key, command in keys.items():
                for message in application_code_problems(command, f"{WRITE_IT_OUT}, or {permit}"):
                    yield Problem(key, message)
