"""Finds problems with names: equal names of two resources, and names that policies reserve for trusted resources.

Physical names are words joined with hyphens, so two resources could get the same name. For example, the name
`pay-image-scan` could have two meanings:

- `pay` + `image-scan`: the image scan of the service `pay`
- `pay-image` + `scan`: the check `scan` of the service `pay-image`

So if there is a service `pay`, no other service may be named `pay-image`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache, partial
from itertools import combinations, islice, takewhile

from cicd_templates.config.environment import Configuration, Environment, Service
from cicd_templates.config.naming import (
    ARTIFACT_KEY_LENGTH,
    PIPELINE_KEY_LENGTH,
    pipeline_name,
    report_artifact,
)
from cicd_templates.config.reserved_words import (
    AFTER_A_SERVICE,
    IMAGE_SCAN,
    OF_A_PIPELINE,
    OF_AN_ENVIRONMENT,
    SMOKE_TEST,
)
from cicd_templates.config.validation.problem import Problem
from cicd_templates.template.resource_types.registry import RESOURCE_TYPES


def problems(configuration: Configuration) -> Iterator[Problem]:
    """Yield a problem for each environment or service whose resources could have the same names as other resources.

    The names of resources in parallel copies are considered, too.
    """
    services = _services(configuration)
    yield from _reserved_by_aws(configuration.project.name)
    yield from _equal_environments(configuration)
    yield from _environments_that_read_as_more(configuration, services)
    yield from _services_of_environments(services)
    yield from _services_that_read_as_more(services)
    yield from _equal_pipeline_keys(configuration)
    yield from _equal_resources(configuration)


def problems_of_checks(names: Iterable[str], environments: Iterable[str], where: str) -> Iterator[Problem]:
    """Yield a problem for each check whose name is reserved, or would give two AWS resources the same name."""
    names = list(names)
    actions = {f"{environment}-{what}" for environment in environments for what in (IMAGE_SCAN, SMOKE_TEST, "approve")}
    signed = ("attest", "attest-migration", "check", "check-migration", "check-service", "review")
    actions |= {f"{what}-{environment}" for environment in environments for what in signed}
    for name in names:
        if reason := _reserved_reason(name, frozenset(actions)):
            yield Problem(f"{where}.{name}", f"{reason}; choose another name")
    yield from hyphen_twins(names, where)
    for one, other in combinations(names, 2):
        first, second = (report_artifact(name)[:ARTIFACT_KEY_LENGTH] for name in (one, other))
        if first == second and not _same(one, other):
            yield Problem(
                f"{where}.{other}",
                f"CodePipeline distinguishes artifacts only by the first {ARTIFACT_KEY_LENGTH} characters of their"
                f" names, and the artifacts of {one} and {other} would both begin with {first}; choose another name",
            )


# Many services have checks with the same names.
@cache
def _reserved_reason(name: str, actions: frozenset[str]) -> str:
    """Return why no check may have the name `name`, or an empty string if a check may have this name.

    `actions` are the names of the pipeline's actions. If there are several reasons, return only the first, because the
    user must choose another name in any case.
    """
    equal = [word for word in AFTER_A_SERVICE | OF_A_PIPELINE if _same(name, word)]
    if name in equal:
        return f"{name} is already the name of another resource of the pipeline"
    for action in sorted(actions):
        if _same(name, action):
            return f"{action} is already an action of the pipeline"
    similar = [*equal, *(word for word in AFTER_A_SERVICE if _begins(name, word))]
    if not similar:
        return ""
    return f"{name} could be confused with {max(similar, key=len)}, the name of another resource of the pipeline"


def hyphen_twins(names: Iterable[str], where: str) -> Iterator[Problem]:
    """Yield a problem for each pair of names that differ only by hyphens.

    Logical ids and action names omit hyphens, so both names would give the same ids.
    """
    for one, other in combinations(names, 2):
        if _same(one, other):
            yield Problem(f"{where}.{other}", f"{one} and {other} differ only by a hyphen; choose another name")


def _reserved_by_aws(project: str) -> Iterator[Problem]:
    """Yield a problem for each resource type whose names in this project would begin with a prefix reserved by AWS."""
    for facts in RESOURCE_TYPES.values():
        begin = facts.names_in_environment.format(prefix=f"{project}-", path=f"/{project}/")
        for reserved in facts.reserved_beginnings:
            if begin.startswith(reserved):
                yield Problem(
                    "project.name",
                    f"{project!r} is not possible, because AWS reserves names of {facts.type_name} that begin with"
                    f" {reserved}; choose another name",
                )


def _services(configuration: Configuration) -> dict[str, list[Service]]:
    """Return the `Service` objects of all environments, grouped by the name of the service."""
    services: dict[str, list[Service]] = {}
    for environment in configuration.environments:
        for service in environment.services:
            services.setdefault(service.name, []).append(service)
    return services


def _equal_environments(configuration: Configuration) -> Iterator[Problem]:
    for one, other in combinations(configuration.environments, 2):
        if one.qualified == other.qualified:
            with_suffix = other if other.suffix else one
            yield Problem(
                f"environments.{with_suffix.name}.suffix",
                f"{with_suffix.suffix!r} gives {one.name} and {other.name} the same names ({one.qualified});"
                " choose another suffix",
            )
    yield from hyphen_twins([environment.name for environment in configuration.environments], "environments")


def _environments_that_read_as_more(configuration: Configuration, services: Iterable[str]) -> Iterator[Problem]:
    """Yield a problem for each environment whose resources could have the same names as another environment's
    resources.

    For example, the environment `dev-api` is refused if there is an environment `dev` and a service `api`. The function
    compares names both with and without suffixes, because a parallel copy of an environment can exist beside its
    original.
    """
    words = sorted({*services, *OF_AN_ENVIRONMENT})
    for one in configuration.environments:
        for other in configuration.environments:
            if one.account != other.account:
                continue
            if one is not other and one.suffix and one.qualified == other.name:
                yield _copy_problem(one, f"{other.name} is another environment")
                continue
            for begin in dict.fromkeys((one.name, one.qualified)):
                yield from _reads_as_more(begin, other, words)


def _reads_as_more(begin: str, other: Environment, words: list[str]) -> Iterator[Problem]:
    rest = other.qualified.removeprefix(f"{begin}-")
    if rest == other.qualified:
        return
    for word in words:
        if _begins(word, rest) or _begins(rest, word):
            yield _copy_problem(
                other,
                f"resources of this environment and of the environment {begin} could get equal names that begin with"
                f" {begin}-{word}",
            )
            return


def _copy_problem(environment: Environment, why: str) -> Problem:
    key, what = (".suffix", "suffix") if environment.suffix else ("", "name")
    return Problem(f"environments.{environment.name}{key}", f"{environment.qualified}: {why}; choose another {what}")


def _services_of_environments(services: Iterable[str]) -> Iterator[Problem]:
    for service in sorted(services):
        for word in sorted(OF_AN_ENVIRONMENT):
            if _begins(service, word) or _begins(word, service):
                why = (
                    f"{service} is reserved, because the names of other resources begin with it"
                    if service == word
                    else f"resources of {service} could get the same names as other resources, whose names begin with"
                    f" {word}"
                )
                yield Problem(f"services.{service}", f"{why}; choose another name")


def _services_that_read_as_more(services: dict[str, list[Service]]) -> Iterator[Problem]:
    names = sorted(services)
    for one in names:
        # The names that begin with `one-` follow each other.
        start = f"{one}-"
        for other in takewhile(partial(_starts, start), islice(names, bisect_left(names, start), None)):
            rest = other.removeprefix(start)
            for word in sorted(_words(services[one])):
                left = word.removeprefix(f"{rest}-")
                if _begins(rest, word) or (left != word and any(_begins(left, own) for own in _words(services[other]))):
                    yield Problem(
                        f"services.{other}",
                        f"resources of {one} and of {other} could get equal names that begin with {one}-{word}; rename"
                        " one of the two services",
                    )
                    break


def _words(service: list[Service]) -> set[str]:
    """Return the words that can follow a service's name in a physical name.

    The result contains the reserved words, the names of checks, and the names of secrets.
    """
    words = set(AFTER_A_SERVICE)
    for each in service:
        words |= {*each.settings.checks, *each.own_secrets}
        words |= {secret for check in each.settings.checks.values() for secret in check.secrets.values()}
    return words


def _equal_pipeline_keys(configuration: Configuration) -> Iterator[Problem]:
    for environment in configuration.environments:
        if environment.kind != "tools":
            continue
        services: dict[str, list[str]] = {}
        for name in sorted(service.name for service in environment.services):
            services.setdefault(pipeline_name(environment, name)[:PIPELINE_KEY_LENGTH], []).append(name)
        for key, names in services.items():
            for one, other in combinations(names, 2):
                yield Problem(
                    f"services.{other}",
                    "CodePipeline names the artifact folder of a pipeline after the first"
                    f" {PIPELINE_KEY_LENGTH} characters of the pipeline's name, so the pipelines of {one} and {other}"
                    f" would share the folder {key}; choose another name",
                )


def _equal_resources(configuration: Configuration) -> Iterator[Problem]:
    """Yield a problem if the names of two queues, two tables or two databases differ only by hyphens.

    Also yield a problem if, for example, a queue and a table have the same name. This name would be ambiguous in the
    `uses` of a service.
    """
    kind_of: dict[str, str] = {}
    for kind in ("queues", "tables", "databases"):
        names = sorted({name for environment in configuration.environments for name in getattr(environment, kind)})
        yield from hyphen_twins(names, kind)
        for name in names:
            if name in kind_of:
                yield Problem(
                    f"{kind}.{name}",
                    f"{name} is also the name of a {kind_of[name]}, so {name} in the `uses` of a service would be"
                    " ambiguous; choose another name",
                )
            kind_of.setdefault(name, kind.removesuffix("s"))


def _starts(start: str, name: str) -> bool:
    return name.startswith(start)


def _begins(name: str, word: str) -> bool:
    """Return whether `name` equals `word` or begins with `word-`."""
    return name == word or name.startswith(f"{word}-")


def _same(one: str, other: str) -> bool:
    """Return whether two names are equal if hyphens are ignored."""
    return one.replace("-", "").lower() == other.replace("-", "").lower()
