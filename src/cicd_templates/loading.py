"""Reads `templates/environments.toml` into a `Configuration`, or raises one error that lists every problem.

Reads the one file and nothing else; writes nothing.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cicd_templates import config, consistency
from cicd_templates.config_values import Table
from cicd_templates.consistency import Problem
from cicd_templates.environment import Configuration, Environment, Service
from cicd_templates.errors import ConfigurationError

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
        return tomllib.loads(path.read_bytes().decode("utf-8"))
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
    configuration = reader.configuration(raw, suffix)
    found = list(reader.problems)
    if configuration is not None:
        found += consistency.problems(configuration)
    if found:
        count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
        raise ConfigurationError("\n  ".join([f"{source}: {count}", *map(str, found)]))
    assert configuration is not None, "what could not be read is among the problems"
    return configuration


class _Reader:
    """Validates table by table, so that one wrong table does not hide what is wrong in the next."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def configuration(self, raw: Raw, suffix: str | None) -> Configuration | None:
        for key in raw:
            if key not in TABLES:
                self.problems.append(Problem(str(key), _unknown_key(str(key), TABLES)))
        if suffix is not None:
            self._suffix(suffix)
        project = self._table(config.ProjectTable, raw.get("project"), "project")
        pipeline = self._table(config.PipelineTable, raw.get("pipeline", {}), "pipeline")
        services = self._names(raw.get("services", {}), "services", config.SERVICE_NAME_LENGTH)
        environments = self._names(raw.get("environments"), "environments", config.ENVIRONMENT_NAME_LENGTH)
        # Without its project an environment has no name, but its own problems are told all the same.
        stand_in = project or config.ProjectTable(name="project", owner="owner", cost_center="none")
        on_the_way = pipeline or config.PipelineTable()
        read = [
            environment
            for name, table in environments.items()
            if (environment := self._environment(name, table, services, (stand_in, on_the_way), suffix)) is not None
        ]
        if pipeline is None or len(read) < len(environments):
            return None
        environments_with_peers = tuple(
            replace(environment, peers=tuple(peer for peer in read if peer is not environment)) for environment in read
        )
        return Configuration(stand_in, pipeline, environments_with_peers)

    def _suffix(self, suffix: str) -> None:
        if len(suffix) > config.SUFFIX_LENGTH or not _is_word(suffix):
            self.problems.append(
                Problem(
                    "suffix",
                    f"{suffix!r}: use at most {config.SUFFIX_LENGTH} lower-case letters, digits and hyphens",
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
            elif len(name) > length or not _is_word(name):
                self.problems.append(
                    Problem(f"{at}.{name}", f"a name has at most {length} lower-case letters, digits and hyphens")
                )
            else:
                tables[name] = table
        return tables

    def _environment(
        self,
        name: str,
        raw: Raw,
        services: Mapping[str, Raw],
        shared: tuple[config.ProjectTable, config.PipelineTable],
        suffix: str | None,
    ) -> Environment | None:
        at = f"environments.{name}"
        before = len(self.problems)
        overrides = self._names(raw.get("services", {}), f"{at}.services", config.SERVICE_NAME_LENGTH)
        for service in overrides:
            if service not in services:
                self.problems.append(Problem(f"{at}.services.{service}", f"no [services.{service}] to override"))
        settings = self._table(
            config.EnvironmentTable, {key: value for key, value in raw.items() if key != "services"}, at
        )
        resolved = [
            self._service(service, table, overrides.get(service, {}), at) for service, table in services.items()
        ]
        if settings is None or len(self.problems) > before:
            return None
        here = tuple(service for service in resolved if service is not None)
        return Environment(name, *shared, settings, here, suffix or settings.suffix)

    def _service(self, name: str, base: Raw, override: Raw, at: str) -> Service | None:
        def where(path: tuple[str | int, ...]) -> str:
            overridden = bool(path) and path[0] in override
            return _toml_path(f"{at}.services.{name}" if overridden else f"services.{name}", path)

        settings = self._table(config.ServiceTable, _merged(base, override), f"services.{name}", where)
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


def _is_word(name: str) -> bool:
    try:
        config.PipelineTable(path=(name,))
    except ValidationError:
        return False
    return True


def _toml_path(at: str, loc: tuple[str | int, ...]) -> str:
    return at + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc if step != "[key]")


def _message(detail: ErrorDetails, model: type[Table]) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return _unknown_key(str(detail["loc"][-1]), _fields_at(model, detail["loc"][:-1]))
        case "missing":
            field = _fields_at(model, detail["loc"][:-1]).get(str(detail["loc"][-1]))
            return f"missing; {field.description if field else 'it is required'}"
        case "string_pattern_mismatch" | "string_too_long" | "string_too_short":
            return f"{detail['input']!r} is not allowed; {_description(model, detail)}"
        case "value_error":
            return detail["msg"].removeprefix("Value error, ")
        case _:
            return f"{detail['msg']}, not {detail['input']!r}"


def _description(model: type[Table], detail: ErrorDetails) -> str:
    # The innermost step that is a field: below it are keys of the user's own and places in lists.
    names = tuple(step for step in detail["loc"] if isinstance(step, str))
    fields = (_fields_at(model, names[:depth]).get(names[depth]) for depth in reversed(range(len(names))))
    field = next(filter(None, fields))
    limit = (detail.get("ctx") or {}).get("max_length")
    return f"{field.description}" + (f" (at most {limit} characters)" if limit else "")


def _fields_at(model: type[Table], loc: tuple[str | int, ...]) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = model.model_fields
    steps = iter(loc)
    for step in steps:
        below = getattr(fields.get(str(step)), "annotation", None)
        if get_origin(below) is dict:
            # The next step is a key of the user's own.
            below = get_args(below)[1]
            next(steps, None)
        if not (isinstance(below, type) and issubclass(below, Table)):
            return {}
        fields = below.model_fields
    return fields


def _unknown_key(key: str, known: Any) -> str:
    close = difflib.get_close_matches(key, list(known), n=1)
    return f"unknown key; did you mean {close[0]}?" if close else f"unknown key; known are {', '.join(known)}"
