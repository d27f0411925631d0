"""Reads `templates/environments.toml` into a `Configuration`.

If the file has problems, one error lists all of them. This module reads only that file and writes nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from cicd_templates.config.environment import Configuration, Environment, Service
from cicd_templates.config.pydantic_messages import message_for, unknown_key
from cicd_templates.config.routes import with_priorities
from cicd_templates.config.tables.database import DatabaseTable
from cicd_templates.config.tables.dynamodb import DynamoDbTable
from cicd_templates.config.tables.environment import EnvironmentTable
from cicd_templates.config.tables.evidence import EvidenceTable
from cicd_templates.config.tables.field_types import (
    DATABASE_NAME_LENGTH,
    ENVIRONMENT_NAME_LENGTH,
    QUEUE_NAME_LENGTH,
    SERVICE_NAME_LENGTH,
    SUFFIX_LENGTH,
    TABLE_NAME_LENGTH,
    WORD,
)
from cicd_templates.config.tables.pipeline import PipelineTable
from cicd_templates.config.tables.project import ProjectTable, UncheckedPartition
from cicd_templates.config.tables.queue import QueueTable
from cicd_templates.config.tables.service import ServiceTable
from cicd_templates.config.tables.table import Table
from cicd_templates.config.validation import shared_secrets, unsigned_images
from cicd_templates.config.validation.problem import Problem, configuration_error
from cicd_templates.config.validation.repetitions import without_repetitions
from cicd_templates.config.validation.validate import all_problems
from cicd_templates.errors import ConfigurationError

BYTE_ORDER_MARK = "\ufeff"
# ENV= accepts this word in addition to the names of environments.
EVERY_ENVIRONMENT = "all"
TABLES = ("project", "pipeline", "evidence", "services", "queues", "tables", "databases", "environments")
# The kinds of tables whose keys an environment can override, with the longest name that such a table may have.
OVERRIDABLE = {
    "services": SERVICE_NAME_LENGTH,
    "queues": QUEUE_NAME_LENGTH,
    "tables": TABLE_NAME_LENGTH,
    "databases": DATABASE_NAME_LENGTH,
}
# The values that replace wrong ones in `[project]`. No check complains about them.
PROJECT_PLACEHOLDERS = {
    "name": "project",
    "owner": "owner",
    "cost_center": "none",
    "repository": "owner/repository",
    "unchecked_partitions": get_args(UncheckedPartition),
}
Raw = Mapping[str, Any]
T = TypeVar("T", bound=Table)


def read_configuration(path: Path, *, suffix: str | None = None) -> Configuration:
    """Return the configuration in `path`. If `suffix` is given, each environment is a parallel copy with this suffix.

    Raises `ConfigurationError` if there are problems. The error lists all of them with their TOML paths.
    """
    return parse_configuration(read_toml(path), source=str(path), suffix=suffix)


def read_toml(path: Path) -> Raw:
    """Return the tables of a configuration file. Raises `ConfigurationError` if the file is no TOML file."""
    try:
        text = path.read_bytes().decode("utf-8")
        if text.startswith(BYTE_ORDER_MARK):
            raise ConfigurationError(
                f"{path}: begins with a byte order mark, which TOML does not allow; save it as UTF-8 without BOM"
            )
        return tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file; every command needs it") from None
    except IsADirectoryError:
        raise ConfigurationError(f"{path}: is a folder; give the path of the TOML file in it") from None
    except PermissionError:
        raise ConfigurationError(f"{path}: is not readable; check its permissions") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is not valid TOML: {error}") from None


def parse_configuration(raw: Raw, *, source: str, suffix: str | None = None) -> Configuration:
    """Return the configuration in `raw`, a parsed TOML file. Error messages use `source` as the file's name."""
    reader = _Reader()
    configuration, unread = reader.configuration(raw, suffix)
    problems = [
        *reader.problems,
        *without_repetitions(all_problems(configuration, unread), configuration.environments),
        *shared_secrets.problems(raw, configuration),
        *unsigned_images.problems(raw, configuration),
    ]
    if problems:
        raise configuration_error(source, problems)
    return configuration


class _Reader:
    """A reader that validates each table separately, so that a mistake in one table does not hide mistakes in other
    tables.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._services: dict[str, Service] = {}
        # The shared tables that were read, keyed by their TOML paths.
        self._shared_tables: dict[str, Any] = {}

    def configuration(self, raw: Raw, suffix: str | None) -> tuple[Configuration, frozenset[str]]:
        """Return the valid part of the configuration, and the names of the environments that could not be read.

        Placeholders replace wrong values in `[project]` and `[pipeline]`, because every environment needs these tables.
        """
        for key in raw:
            if key not in TABLES:
                self.problems.append(Problem(str(key), unknown_key(str(key), TABLES)))
        if suffix is not None:
            self._suffix(suffix)
        shared = (
            self._with_placeholders(ProjectTable, raw.get("project"), "project", PROJECT_PLACEHOLDERS),
            # The path is empty, because the default path would cause problems with environments that nobody configured.
            self._with_placeholders(PipelineTable, raw.get("pipeline", {}), "pipeline", {"path": ()}),
        )
        evidence = self._table(EvidenceTable, raw.get("evidence", {}), "evidence") or EvidenceTable()
        shared_tables = {kind: self._names(raw.get(kind, {}), kind, length) for kind, length in OVERRIDABLE.items()}
        environments = self._names(raw.get("environments"), "environments", ENVIRONMENT_NAME_LENGTH)
        environments_read = [
            replace(environment, evidence=evidence)
            for name, table in environments.items()
            if (environment := self._environment(name, table, shared_tables, shared, suffix)) is not None
        ]
        environments_with_peers = tuple(
            replace(environment, peers=tuple(peer for peer in environments_read if peer is not environment))
            for environment in environments_read
        )
        named = raw.get("environments")
        unread = set(named if isinstance(named, Mapping) else ()) - {
            environment.name for environment in environments_read
        }
        return Configuration(*shared, environments_with_peers, evidence), frozenset(unread)

    def _suffix(self, suffix: str) -> None:
        if len(suffix) > SUFFIX_LENGTH or not re.fullmatch(WORD, suffix):
            self.problems.append(
                Problem(
                    "suffix",
                    f"{suffix!r} is not allowed; use at most {SUFFIX_LENGTH} lower-case letters, digits and single"
                    " hyphens,"
                    " beginning with a letter, such as pr4918",
                )
            )

    def _names(self, raw: object, at: str, length: int) -> dict[str, Raw]:
        if raw is None:
            self.problems.append(Problem(at, f"missing; add at least one [{at}.<name>] table"))
            return {}
        if not isinstance(raw, Mapping):
            self.problems.append(Problem(at, f"is a value, not a table; write tables [{at}.<name>]"))
            return {}
        tables: dict[str, Raw] = {}
        for name, table in raw.items():
            if not isinstance(table, Mapping):
                self.problems.append(Problem(f"{at}.{name}", f"is a value, not a table; write a table [{at}.{name}]"))
            elif len(name) > length or not re.fullmatch(WORD, name):
                self.problems.append(
                    Problem(
                        f"{at}.{name}",
                        f"{name!r} is not allowed as a name; use at most {length} lower-case letters, digits and single"
                        " hyphens, beginning with a letter",
                    )
                )
            elif (at, name) == ("environments", EVERY_ENVIRONMENT):
                self.problems.append(
                    Problem(
                        f"{at}.{name}",
                        f"{name!r} is not allowed as a name, because ENV={name} means every environment; choose another"
                        " name",
                    )
                )
            else:
                tables[name] = table
        return tables

    def _environment(
        self,
        name: str,
        raw: Raw,
        shared_tables: Mapping[str, Mapping[str, Raw]],
        shared: tuple[ProjectTable, PipelineTable],
        suffix: str | None,
    ) -> Environment | None:
        at = f"environments.{name}"
        overrides = {kind: self._overrides(kind, shared_tables[kind], raw, at) for kind in OVERRIDABLE}
        settings = self._table(EnvironmentTable, {key: raw[key] for key in raw if key not in OVERRIDABLE}, at)

        def resolved(kind: str, model: type[T]) -> dict[str, T]:
            tables = {
                each: self._resolved(model, f"{kind}.{each}", base, overrides[kind].get(each, {}), at)
                for each, base in shared_tables[kind].items()
            }
            return {each: table for each, table in tables.items() if table is not None}

        services = resolved("services", ServiceTable)
        queues, tables = resolved("queues", QueueTable), resolved("tables", DynamoDbTable)
        databases = resolved("databases", DatabaseTable)
        if settings is None:
            return None
        return Environment(
            name,
            *shared,
            settings,
            self._shared(
                with_priorities([Service(each, table.in_environment(name)) for each, table in services.items()])
            ),
            suffix or settings.suffix,
            queues=queues,
            tables=tables,
            databases=databases,
            overrides=overrides,
        )

    def _shared(self, services: Iterable[Service]) -> tuple[Service, ...]:
        """Return `services`, but replace each service by an equal service of an earlier call, to save memory."""
        firsts = ((self._services.setdefault(service.name, service), service) for service in services)
        return tuple(first if first == service else service for first, service in firsts)

    def _overrides(self, kind: str, base: Mapping[str, Raw], raw: Raw, at: str) -> dict[str, Raw]:
        overrides = self._names(raw.get(kind, {}), f"{at}.{kind}", OVERRIDABLE[kind])
        for name in overrides:
            if name not in base:
                self.problems.append(
                    Problem(
                        f"{at}.{kind}.{name}",
                        f"there is no [{kind}.{name}] to override; add the table [{kind}.{name}], or remove its"
                        " override",
                    )
                )
        return overrides

    def _resolved(self, model: type[T], at: str, base: Raw, override: Raw, environment: str) -> T | None:
        """Return a table for one environment, or None if the table has problems. `at` is its TOML path.
        `override` has the environment's own values. They replace the shared values in `base`.
        """
        if not override:
            # Environments without own values share the table. Validating it once for each of them takes longer.
            if at not in self._shared_tables:
                self._shared_tables[at] = self._table(model, base, at)
            table: T | None = self._shared_tables[at]
            return table

        def where(path: tuple[str | int, ...]) -> str:
            return _toml_path(f"{environment}.{at}" if _is_overridden(base, override, path) else at, path)

        return self._table(model, _merge(base, override), at, where)

    def _with_placeholders(self, model: type[T], raw: object, at: str, placeholders: Mapping[str, Any]) -> T:
        """Return the table `raw`, with placeholders for wrong values and for missing required values."""
        table = self._table(model, raw, at)
        if table is not None:
            return table
        required = {name: placeholders[name] for name, field in model.model_fields.items() if field.is_required()}
        given = raw if isinstance(raw, Mapping) else dict.fromkeys(placeholders, ...)
        correct = {key: given[key] for key in given if _is_valid(model, {**required, key: given[key]})}
        replaced = {key: placeholders[key] for key in placeholders if key in given and key not in correct}
        return model.model_validate({**required, **correct}).model_copy(update=replaced)

    def _table(self, model: type[T], raw: object, at: str, where: Any = None) -> T | None:
        if raw is None:
            self.problems.append(Problem(at, f"missing; add a [{at}] table"))
            return None
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            for detail in error.errors():
                path = where(detail["loc"]) if where else _toml_path(at, detail["loc"])
                problem = Problem(path, message_for(detail, model))
                if problem not in self.problems:
                    self.problems.append(problem)
            return None


def _is_overridden(base: Raw, override: Raw, path: tuple[str | int, ...]) -> bool:
    """Return whether a problem at `path` must be corrected in the table `override`, and not in the shared `base`."""
    shared: Any = base
    own: Any = override
    for step in path:
        if not isinstance(own, Mapping):
            break
        if step not in own:
            return not isinstance(shared, Mapping)
        own = own[step]
        shared = shared.get(step) if isinstance(shared, Mapping) else None
    return True


def _is_valid(model: type[T], raw: Raw) -> bool:
    try:
        model.model_validate(raw)
    except ValidationError:
        return False
    return True


def _merge(base: Raw, override: Raw) -> dict[str, Any]:
    """Return `base` with the values of `override`. Tables that exist in both are merged; other values are replaced."""
    merged = dict(base)
    for key, value in override.items():
        base_value = merged.get(key)
        if isinstance(base_value, Mapping) and isinstance(value, Mapping):
            merged[key] = _merge(base_value, value)
        else:
            merged[key] = value
    return merged


def _toml_path(at: str, loc: tuple[str | int, ...]) -> str:
    return at + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc if step != "[key]")
