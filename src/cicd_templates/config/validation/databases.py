"""Finds problems with databases: names that PostgreSQL or RDS reserves, and capacities that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.config.tables.database import DatabaseTable
from cicd_templates.config.validation.problem import Problem

# https://www.postgresql.org/docs/17/sql-keywords-appendix.html, the words that PostgreSQL reserves.
POSTGRES_WORDS = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
    column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
    from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
    localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
    returning right select session_user similar some symmetric system_user table tablesample then to trailing true
    union unique user using variadic verbose when where window with
    """.split()  # noqa: SIM905 - a list of a hundred short strings is harder to compare with its source
)
# Databases that every cluster has.
EXISTING = frozenset({"postgres", "rdsadmin", "template0", "template1"})


def problems(configuration: Configuration) -> Iterator[Problem]:
    """Yield a problem for each wrong setting of a database, without duplicates."""
    yield from dict.fromkeys(
        problem
        for environment in configuration.environments
        for name, settings in environment.databases.items()
        for problem in _problems_of(name, settings)
    )
    for environment in configuration.environments:
        if reason := _no_release(environment):
            for name, settings in environment.databases.items():
                if settings.users == "created":
                    yield Problem(
                        f"environments.{environment.name}.databases.{name}.users",
                        f'cannot be "created", because {reason}; set it to "by hand" in this environment, and create'
                        " the users yourself",
                    )


def _no_release(environment: Environment) -> str:
    """Return why releases cannot create database users in the runtime environment `environment`.

    Return an empty string if releases can create users, or if `environment` is not a runtime environment.
    """
    if environment.kind != "runtime":
        return ""
    if any(output.startswith("databases.") for output in environment.settings.provided):
        return "the database is `provided`, and releases do not know the administrator password of a provided database"
    if environment.name not in environment.pipeline.path:
        return "no release goes to this environment"
    return ""


def _problems_of(name: str, settings: DatabaseTable) -> Iterator[Problem]:
    in_cluster = settings.name_in_cluster(name)
    if in_cluster in POSTGRES_WORDS | EXISTING:
        yield Problem(
            f"databases.{name}",
            f"PostgreSQL reserves the name {in_cluster}; choose another name, or set database_name, such as"
            f' "{in_cluster}_data"',
        )
    if settings.min_capacity > settings.max_capacity:
        yield Problem(
            f"databases.{name}.min_capacity",
            f"{settings.min_capacity:g} is more than max_capacity, {settings.max_capacity:g}; raise max_capacity",
        )
