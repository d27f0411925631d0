"""The command `init`, which writes the configuration of a new project. It does not call AWS and renders nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from cicd_templates import hints
from cicd_templates.cli import terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import YES, make_option
from cicd_templates.errors import ConfigurationError, RefusedError
from cicd_templates.files.paths import CONFIGURATION, EXAMPLE_CONFIGURATION
from cicd_templates.files.project_files import replace_file

# For each make variable, the question to ask if the variable is not given. Each question contains an example.
QUESTIONS = {
    "PROJECT": "Name of the project, such as acme",
    "SERVICES": "Services, such as billing-api,ledger",
    "ENVIRONMENTS": "Environments that a release passes, in order, such as staging,production",
    "ACCOUNTS": "AWS account id, such as 111111111111, or several ids: one for tools, then one for each environment",
    "REGION": "AWS region, such as eu-central-1",
    "EMAIL": "E-mail address for notifications, such as team@example.com",
}


@verb(
    "init",
    make_option("--project", variable="PROJECT", help="Name of the project."),
    make_option("--services", variable="SERVICES", help="Names of the services, separated with commas."),
    make_option(
        "--environments",
        variable="ENVIRONMENTS",
        help="Environments that a release passes, in order; the last is protected.",
    ),
    make_option(
        "--accounts",
        variable="ACCOUNTS",
        help="Account ids: one for everything, or one for tools and then one for each environment.",
    ),
    make_option("--region", variable="REGION", help="AWS region of all environments."),
    make_option("--email", variable="EMAIL", help="E-mail address that gets notifications and requests for approval."),
    make_option(
        "--source",
        variable="SOURCE",
        default="s3",
        show_default=True,
        help="Source of the releases: s3 or github.",
    ),
    YES,
)
def init(source: str, yes: bool, **given: str | None) -> None:
    """Write templates/environments.toml for a new project; ask for missing answers."""
    from cicd_templates.config.answers import new_project
    from cicd_templates.config.starter import starter_text

    if not yes and not _is_example():
        again = hints.option("YES", value=True)
        raise RefusedError(f"{CONFIGURATION} has been edited; add {again} to overwrite it")
    answers = _accepted({name: (given[name.lower()] or "").strip() for name in QUESTIONS} | {"SOURCE": source})
    for name, question in QUESTIONS.items():
        if name not in answers:
            answers[name] = _ask(name, question, answers)
    replace_file(CONFIGURATION, starter_text(new_project(answers)))
    terminal.show(f"wrote {CONFIGURATION}; read it, then:")
    terminal.show(f"  make render   # writes out/; commit it together with {CONFIGURATION}")
    terminal.show("  make verify   # what your CI runs")


def _accepted(given: Mapping[str, str]) -> dict[str, str]:
    """Check the answers in `given`, and return them without the missing answers.

    Raises `ConfigurationError` with one line for each wrong answer. If there is no terminal on which to ask the user,
    the error also has one line for each missing answer.
    """
    from cicd_templates.config.answers import problems_with

    accepted: dict[str, str] = {}
    lines = []
    for name, answer in given.items():
        if answer or name not in QUESTIONS:
            problems = problems_with(name, answer, accepted)
            lines += [f"{hints.option(name)}: {problem}" for problem in problems]
            if not problems:
                accepted[name] = answer
        elif not sys.stdin.isatty():
            lines.append(f"{hints.option(name)}: required, because there is no terminal to ask on: {QUESTIONS[name]}")
    if lines:
        raise ConfigurationError("\n".join(lines))
    return accepted


def _is_example() -> bool:
    try:
        return CONFIGURATION.read_bytes() == EXAMPLE_CONFIGURATION.read_bytes()
    except FileNotFoundError:
        return not CONFIGURATION.exists()


def _ask(name: str, question: str, accepted: Mapping[str, str]) -> str:
    """Return the answer to `question`. If an answer is wrong, show why, and ask again."""
    from cicd_templates.config.answers import problems_with

    while True:
        answer = terminal.ask(question).strip()
        problems = problems_with(name, answer, accepted) if answer else ["an answer is needed"]
        if not problems:
            return answer
        for problem in problems:
            terminal.show(f"    {problem}")
