"""Checks each answer of a user who starts a new project, immediately after the answer.

This module does not ask the questions.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from cicd_templates.config.load import parse_configuration
from cicd_templates.config.starter import MOST_ENVIRONMENTS, NewProject, starter_text, wrong_numbers
from cicd_templates.config.validation.problem import InvalidConfigurationError
from cicd_templates.config.validation.regions import why_not_connected, why_not_usable

SOURCES = ("s3", "github")
LISTS = ("SERVICES", "ENVIRONMENTS", "ACCOUNTS")
# For each make variable, the configuration keys into which its value is written.
KEYS = {
    "PROJECT": re.compile(r"project\.name"),
    "SERVICES": re.compile(r"services\..+"),
    "ENVIRONMENTS": re.compile(r"environments\.[^.]+"),
    "ACCOUNTS": re.compile(r".+\.account"),
    "REGION": re.compile(r".+\.region"),
    "EMAIL": re.compile(r".+\.stakeholders\..+"),
    "SOURCE": re.compile(r"services\.[^.]+\.(source|github\..+)"),
}
# Placeholders for missing and wrong answers. They fit every correct answer.
PLACEHOLDERS = {
    "PROJECT": "p0q",
    "SERVICES": "s0q",
    "ACCOUNTS": "111111111111",
    "REGION": "eu-central-1",
    "EMAIL": "team@example.com",
    "SOURCE": "s3",
}


def new_project(answers: Mapping[str, str]) -> NewProject:
    """Return the project that the user's `answers` describe. Missing answers are replaced by placeholders."""
    complete = {**PLACEHOLDERS, **answers}
    accounts = _words(complete["ACCOUNTS"])
    if "ENVIRONMENTS" in answers:
        environments = _words(answers["ENVIRONMENTS"])
    else:
        # The placeholder has as many environments as there are accounts, so that the number of accounts is not reported
        # as wrong.
        accounts = accounts[: MOST_ENVIRONMENTS + 1]
        environments = [f"e{number}q" for number in range(max(1, len(accounts) - 1))]
    return NewProject(
        complete["PROJECT"],
        _words(complete["SERVICES"]),
        environments,
        accounts,
        complete["REGION"],
        complete["SOURCE"],
        complete["EMAIL"],
    )


def problems_with(name: str, answer: str, accepted: Mapping[str, str]) -> list[str]:
    """Return the problems with `answer`, without duplicates. `name` is the key of the question.

    `accepted` has the earlier answers. A contradiction between `answer` and an earlier answer is also a problem.

    The answer sets keys of the configuration. If any of these keys has a problem, the problems of all other keys are
    left out, because a wrong value in one key usually causes problems in other keys, too.
    """
    if not answer.isprintable():
        return [f"{answer!r} has a character that cannot be printed; type the answer again"]
    if _has_empty_entry(name, answer):
        return [f"{answer!r} has an empty entry; separate the entries with one comma"]
    if name == "SOURCE" and answer not in SOURCES:
        return [f"use {' or '.join(SOURCES)}, not {answer!r}"]
    start = new_project({**accepted, name: answer})
    simple = [message for _, message in wrong_numbers(start)]
    if name == "REGION":
        simple += why_not_usable(start.region)
    if start.source == "github":
        simple += why_not_connected(start.region)
    if simple:
        return simple
    try:
        parse_configuration(tomllib.loads(starter_text(start)), source="the new configuration")
    except InvalidConfigurationError as error:
        # A wrong name can have a dot, so the path of its table is compared, too.
        tables = [f"environments.{environment}" for environment in start.environments if name == "ENVIRONMENTS"]
        own = [each.message for each in error.problems if each.path in tables or KEYS[name].fullmatch(each.path)]
        return list(dict.fromkeys(own or map(str, error.problems)))
    return []


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _has_empty_entry(name: str, answer: str) -> bool:
    """Return whether the answer is a list in which some entries are empty, and others are not.

    If all entries are empty, `wrong_numbers` reports that the answer is missing.
    """
    words = [word.strip() for word in answer.split(",")]
    return name in LISTS and "" in words and any(words)
