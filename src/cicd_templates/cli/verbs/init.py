"""The command `init`, which writes the configuration of a new project. It does not call AWS and renders nothing."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cicd_templates import hints
from cicd_templates.cli import terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import YES, make_option
from cicd_templates.errors import ConfigurationError, RefusedError
from cicd_templates.files.paths import CONFIGURATION, EXAMPLE_CONFIGURATION
from cicd_templates.files.project_files import replace_file

if TYPE_CHECKING:
    from cicd_templates.config.validation.problem import Problem

# For each make variable, the question to ask if the variable is not given. Each question contains an example.
QUESTIONS = {
    "PROJECT": "Name of the project, such as acme",
    "SERVICES": "Services, such as billing-api,ledger",
    "ENVIRONMENTS": "Environments that a release passes, in order, such as staging,production",
    "ACCOUNTS": "AWS account of all environments, or one each: first tools, then the others, such as 111111111111",
    "REGION": "AWS region, such as eu-central-1",
    "EMAIL": "E-mail address for notifications, such as team@example.com",
}
# For each make variable, the configuration keys into which its value is written.
KEYS = {
    "PROJECT": re.compile(r"project\.name"),
    "SERVICES": re.compile(r"services\..+"),
    "ENVIRONMENTS": re.compile(r"environments\.[^.]+"),
    "ACCOUNTS": re.compile(r".+\.account"),
    "REGION": re.compile(r".+\.region"),
    "EMAIL": re.compile(r".+\.stakeholders\..+"),
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
        help="One account for all environments, or one for each: first tools, then the others.",
    ),
    make_option("--region", variable="REGION", help="AWS region of all environments."),
    make_option("--email", variable="EMAIL", help="E-mail address that gets notifications and requests for approval."),
    make_option(
        "--source",
        variable="SOURCE",
        type=click.Choice(("s3", "github")),
        default="s3",
        show_default=True,
        help="Source of the releases.",
    ),
    YES,
)
def init(source: str, yes: bool, **given: str | None) -> None:
    """Write templates/environments.toml for a new project; ask for missing answers."""
    from cicd_templates.config.load import parse_configuration
    from cicd_templates.config.starter import NewProject, starter_text
    from cicd_templates.config.validation.problem import InvalidConfigurationError

    if not yes and not _is_example():
        again = hints.option("YES", value=True)
        raise RefusedError(f"{CONFIGURATION} has been edited; add {again} to overwrite it")
    answers = {name: given[name.lower()] or _ask(name, question) for name, question in QUESTIONS.items()}
    start = NewProject(
        answers["PROJECT"],
        _words(answers["SERVICES"]),
        _words(answers["ENVIRONMENTS"]),
        _words(answers["ACCOUNTS"]),
        answers["REGION"],
        source,
        answers["EMAIL"],
    )
    text = starter_text(start)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"a name has a character that is not allowed: {error}") from None
    try:
        parse_configuration(raw, source="the new configuration")
    except InvalidConfigurationError as error:
        raise ConfigurationError("\n".join(_problem_lines(error.problems))) from None
    replace_file(CONFIGURATION, text)
    terminal.show(f"wrote {CONFIGURATION}; read it, then:")
    terminal.show("  make render   # writes out/; commit both")
    terminal.show("  make verify   # what your CI runs")


def _problem_lines(problems: Sequence[Problem]) -> list[str]:
    """Return one line for each wrong answer, even if the answer was written into several tables.

    A line begins with the variable as the user types it. Problems of other keys are listed only if no answer is wrong,
    because most of them are consequences of a wrong answer.
    """
    named = [
        f"{hints.option(variable)}: {problem.message}"
        for problem in problems
        for variable, key in KEYS.items()
        if key.fullmatch(problem.path)
    ]
    return list(dict.fromkeys(named or map(str, problems)))


def _is_example() -> bool:
    try:
        return CONFIGURATION.read_bytes() == EXAMPLE_CONFIGURATION.read_bytes()
    except FileNotFoundError:
        return not CONFIGURATION.exists()


def _ask(name: str, question: str) -> str:
    if not sys.stdin.isatty():
        raise ConfigurationError(f"there is no terminal for questions; add {hints.option(name)}: {question}")
    answer = terminal.ask(question)
    if not answer:
        raise ConfigurationError(f"{hints.option(name)} is needed: {question}")
    return answer


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
