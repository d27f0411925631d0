"""Reads `templates/environments.toml` into a `Configuration`, or raises one error that lists every problem.

Reads the one file and nothing else; writes nothing.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from cicd_templates.config.environment import Configuration, Environment, Service
from cicd_templates.config.messages import told
from cicd_templates.config.tables.environment import EnvironmentTable
from cicd_templates.config.tables.fields import ENVIRONMENT_NAME_LENGTH, SERVICE_NAME_LENGTH, SUFFIX_LENGTH, WORD
from cicd_templates.config.tables.pipeline import PipelineTable
from cicd_templates.config.tables.project import ProjectTable
from cicd_templates.config.tables.service import ServiceTable
from cicd_templates.config.tables.table import Table
from cicd_templates.config.validation.problem import Problem, configuration_error
from cicd_templates.config.validation.validate import all_problems
from cicd_templates.errors import ConfigurationError

BYTE_ORDER_MARK = "\ufeff"
# What ENV= takes besides the names of environments.
EVERY_ENVIRONMENT = "all"
TABLES = ("project", "pipeline", "services", "environments")
Raw = Mapping[str, Any]
T = TypeVar("T", bound=Table)


def read_configuration(path: Path, *, suffix: str | None = None) -> Configuration:
    """The configuration in `path`; `suffix` makes every environment a parallel copy of that name.

    Raises `ConfigurationError` that lists all problems at once, each with its TOML path.
    """
    return parse_configuration(_read_toml(path), source=str(path), suffix=suffix)


def _read_toml(path: Path) -> Raw:
    try:
        text = path.read_bytes().decode("utf-8")
        if text.startswith(BYTE_ORDER_MARK):
            raise ConfigurationError(
                f"{path}: begins with a byte order mark, which TOML does not know; save it as UTF-8 without BOM"
            )
        return tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file; every command reads the environments from it") from None
    except IsADirectoryError:
        raise ConfigurationError(f"{path}: is a folder; name the TOML file in it") from None
    except PermissionError:
        raise ConfigurationError(f"{path}: not readable; check its permissions") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: byte {error.start} is not UTF-8; TOML files are UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from None


def parse_configuration(raw: Raw, *, source: str, suffix: str | None = None) -> Configuration:
    """The configuration in the parsed TOML `raw`; `source` names the file in the error."""
    reader = _Reader()
    configuration, unread = reader.configuration(raw, suffix)
    problems = [*reader.problems, *all_problems(configuration, unread)]
    if problems:
        raise configuration_error(source, problems)
    return configuration


class _Reader:
    """Validates table by table, so that one wrong table does not hide what is wrong in the next."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def configuration(self, raw: Raw, suffix: str | None) -> tuple[Configuration, frozenset[str]]:
        """What could be read, with stand-ins for what every other table needs, and the environments that could not."""
        for key in raw:
            if key not in TABLES:
                self.problems.append(Problem(str(key), _unknown_key(str(key), TABLES)))
        if suffix is not None:
            self._suffix(suffix)
        project = self._table(ProjectTable, raw.get("project"), "project")
        pipeline = self._table(PipelineTable, raw.get("pipeline", {}), "pipeline")
        services = self._names(raw.get("services", {}), "services", SERVICE_NAME_LENGTH)
        environments = self._names(raw.get("environments"), "environments", ENVIRONMENT_NAME_LENGTH)
        shared = (
            project or ProjectTable(name="project", owner="owner", cost_center="none"),
            # A path that nobody wrote would be told to lead nowhere.
            pipeline or PipelineTable().model_copy(update={"path": ()}),
        )
        read = [
            environment
            for name, table in environments.items()
            if (environment := self._environment(name, table, services, shared, suffix)) is not None
        ]
        environments_with_peers = tuple(
            replace(environment, peers=tuple(peer for peer in read if peer is not environment)) for environment in read
        )
        named = raw.get("environments")
        unread = set(named if isinstance(named, Mapping) else ()) - {environment.name for environment in read}
        return Configuration(*shared, environments_with_peers), frozenset(unread)

    def _suffix(self, suffix: str) -> None:
        if len(suffix) > SUFFIX_LENGTH or not re.fullmatch(WORD, suffix):
            self.problems.append(
                Problem(
                    "suffix",
                    f"{suffix!r}: use at most {SUFFIX_LENGTH} lower-case letters, digits and single hyphens,"
                    " beginning with a letter, such as pr4918",
                )
            )

    def _names(self, raw: object, at: str, length: int) -> dict[str, Raw]:
        if raw is None:
            self.problems.append(Problem(at, f"missing; add at least one [{at}.<name>] table"))
            return {}
        if not isinstance(raw, Mapping):
            self.problems.append(Problem(at, f"is a value; write tables [{at}.<name>]"))
            return {}
        tables: dict[str, Raw] = {}
        for name, table in raw.items():
            if not isinstance(table, Mapping):
                self.problems.append(Problem(f"{at}.{name}", f"is a value; write a table [{at}.{name}]"))
            elif len(name) > length or not re.fullmatch(WORD, name):
                self.problems.append(
                    Problem(
                        f"{at}.{name}",
                        f"a name has at most {length} lower-case letters, digits and single hyphens, a letter first",
                    )
                )
            elif (at, name) == ("environments", EVERY_ENVIRONMENT):
                self.problems.append(
                    Problem(f"{at}.{name}", f"ENV={name} means every environment; choose another name")
                )
            else:
                tables[name] = table
        return tables

    def _environment(
        self,
        name: str,
        raw: Raw,
        services: Mapping[str, Raw],
        shared: tuple[ProjectTable, PipelineTable],
        suffix: str | None,
    ) -> Environment | None:
        at = f"environments.{name}"
        overrides = self._names(raw.get("services", {}), f"{at}.services", SERVICE_NAME_LENGTH)
        for service in overrides:
            if service not in services:
                self.problems.append(Problem(f"{at}.services.{service}", f"no [services.{service}] to override"))
        settings = self._table(EnvironmentTable, {key: value for key, value in raw.items() if key != "services"}, at)
        resolved = [
            self._service(service, table, overrides.get(service, {}), at) for service, table in services.items()
        ]
        if settings is None:
            return None
        here = tuple(service for service in resolved if service is not None)
        return Environment(name, *shared, settings, here, suffix or settings.suffix)

    def _service(self, name: str, base: Raw, override: Raw, at: str) -> Service | None:
        def where(path: tuple[str | int, ...]) -> str:
            overridden = bool(path) and path[0] in override
            return _toml_path(f"{at}.services.{name}" if overridden else f"services.{name}", path)

        settings = self._table(ServiceTable, _merged(base, override), f"services.{name}", where)
        return None if settings is None else Service(name, settings)

    def _table(self, model: type[T], raw: object, at: str, where: Any = None) -> T | None:
        if raw is None:
            self.problems.append(Problem(at, f"missing; add a [{at}] table"))
            return None
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            for detail in error.errors():
                path = where(detail["loc"]) if where else _toml_path(at, detail["loc"])
                problem = Problem(path, _message(detail, model))
                if problem not in self.problems:
                    self.problems.append(problem)
            return None


def _merged(base: Raw, override: Raw) -> dict[str, Any]:
    merged = dict(base)
    for key, value in override.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _toml_path(at: str, loc: tuple[str | int, ...]) -> str:
    return at + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc if step != "[key]")


def _message(detail: ErrorDetails, model: type[Table]) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return _unknown_key(str(detail["loc"][-1]), _fields_at(model, detail["loc"][:-1]))
        case "missing":
            return f"missing; {_fields_at(model, detail['loc'][:-1])[str(detail['loc'][-1])].description}"
        case _:
            return told(detail)


def _fields_at(model: type[Table], loc: tuple[str | int, ...]) -> Mapping[str, FieldInfo]:
    fields: Mapping[str, FieldInfo] = model.model_fields
    steps = iter(loc)
    for step in steps:
        below: Any = fields[str(step)].annotation
        while get_origin(below) is dict:
            # The next step is a key of the user's own.
            below = get_args(below)[1]
            next(steps)
        tables: list[type[Table]] = [each for each in get_args(below) or (below,) if issubclass(each, Table)]
        fields = tables[0].model_fields
    return fields


def _unknown_key(key: str, known: Any) -> str:
    close = difflib.get_close_matches(key, list(known), n=1)
    return f"unknown key; did you mean {close[0]}?" if close else f"unknown key; known are {', '.join(known)}"
