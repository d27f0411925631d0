"""Writes and reads the plan files of deployments and destructions, and refuses plans that were changed.

A plan file is a JSON object with the fields of the plan's dataclass and three more: the `kind` of plan, the version of
the fields as `schema`, and a `digest`. The digest is the SHA-256 of the canonical JSON of all other fields, so it does
not match an edited plan.

The digest is not a signature. It detects accidental changes, but anybody can compute a new digest for a changed plan.
So the user can pass the digest that the reviewer saw to the command that executes the plan. The command refuses a plan
with another digest.

This module does not call AWS. `plans/verify.py` and `destruction/plan_file.py` check whether a plan still matches the
account.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from cicd_templates import hints
from cicd_templates.errors import ConfigurationError, RefusedError
from cicd_templates.files.ordinary_files import read_ordinary
from cicd_templates.files.private_files import write_privately

VALID_FOR = timedelta(hours=24)
# How far the clock of this machine may differ from the clock of AWS, or of the machine that made a plan.
CLOCK_SKEW = timedelta(minutes=5)
# The fewest characters of a digest that identify a plan. A shorter beginning can match another plan by chance.
DIGEST_CHARACTERS = 12
# The make target that executes each kind of plan.
EXECUTED_BY = {"deployment": "deploy", "destruction": "destroy"}


class SealedPlan(Protocol):
    """The fields of every plan: when it was made, when it expires, and whether it is for the local AWS."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def created(self) -> datetime:
        """When the plan was made, in UTC."""

    @property
    def expires(self) -> datetime:
        """When the plan expires, in UTC. From then on, every command refuses the plan."""

    @property
    def local(self) -> bool:
        """Whether the plan is for the local AWS."""


PlanT = TypeVar("PlanT", bound=SealedPlan)


@dataclass(frozen=True)
class PlanFormat(Generic[PlanT]):
    """The file format of one kind of plan.

    - `schema` is the version of the fields of `plan_type`. Increase it whenever these fields change, so that this
      program refuses plans that another release wrote.
    - `written_by` is the command that writes such plans. Error messages show the command.
    - `folder` has the plans for AWS, and `local_folder` has the plans for the local AWS.
    """

    kind: str
    schema: int
    plan_type: type[PlanT]
    written_by: str
    folder: Path
    local_folder: Path

    def digest(self, plan: PlanT) -> str:
        """Return the SHA-256 of the canonical JSON of a plan, in hexadecimal."""
        return _digest_of(self._fields(plan))

    def write(self, plan: PlanT, path: Path) -> None:
        """Write `plan` to `path`, completely or not at all. Only the owner can read the file."""
        write_privately(path, json.dumps(self._document(plan), indent=2) + "\n")

    def read(self, path: Path) -> PlanT:
        """Return the plan in `path`.

        Raises `ConfigurationError` if there is no file. Raises `RefusedError` if the file is not a plan of this kind,
        was written by another release of this tool, or was edited.
        """
        from pydantic import ValidationError

        document = self._load(path)
        self._refuse_other_kind(path, document)
        if document.get("schema") != self.schema:
            raise RefusedError(
                f"{path}: the plan was written by another release of this tool (schema {document.get('schema')}, not"
                f" {self.schema}); plan again"
            )
        try:
            plan: PlanT = _adapter(self.plan_type).validate_python(document)
        except ValidationError:
            raise self._not_a_plan(path) from None
        if self._document(plan) != document:
            raise RefusedError(f"{path}: was edited after it was written; plan again")
        if plan.created.tzinfo is None or plan.expires.tzinfo is None:
            raise self._not_a_plan(path)
        return plan

    def refuse_other_digest(self, plan: PlanT, path: Path, reviewed: str | None) -> None:
        """Raise `RefusedError` if the digest of `plan` does not begin with `reviewed`.

        If `reviewed` is None, every digest is accepted.

        Raises `ConfigurationError` if `reviewed` is too short to identify one plan.
        """
        if reviewed is None:
            return
        if len(reviewed) < DIGEST_CHARACTERS:
            raise ConfigurationError(
                f"{hints.option('DIGEST', reviewed)} is too short; give at least {DIGEST_CHARACTERS} characters"
            )
        digest = self.digest(plan)
        if not digest.startswith(reviewed.lower()):
            raise RefusedError(
                f"{path}: its digest is {digest}, not {reviewed}, so this is not the reviewed plan; review this "
                f"plan, or use the reviewed file"
            )

    def _load(self, path: Path) -> dict[str, Any]:
        try:
            document = json.loads(read_ordinary(path).decode("utf-8"))
            # A lone surrogate is legal in JSON, but cannot be encoded and printed.
            json.dumps(document, ensure_ascii=False).encode()
        except OSError as error:
            found = self._found_elsewhere(path.name) if isinstance(error, FileNotFoundError) else ()
            hint = "; ".join(found) or f"write one with `{self.written_by}`"
            raise ConfigurationError(f"{path}: there is no plan here: {error.strerror}; {hint}") from None
        except (ValueError, RecursionError):
            raise self._not_a_plan(path) from None
        if not isinstance(document, dict):
            raise self._not_a_plan(path)
        return document

    def _found_elsewhere(self, name: str) -> Iterator[str]:
        """Yield a hint for each default folder of plans that contains a file with this name.

        There are two default folders: one for AWS, and one for the local AWS.
        """
        for folder, where in ((self.folder, "AWS"), (self.local_folder, "the local AWS")):
            if (folder / name).is_file():
                yield f"for {where} there is {folder / name}"

    def _refuse_other_kind(self, path: Path, document: Mapping[str, Any]) -> None:
        kind = document.get("kind")
        if kind == self.kind:
            return
        if not isinstance(kind, str) or kind not in EXECUTED_BY:
            raise self._not_a_plan(path)
        command = hints.make(EXECUTED_BY[kind], PLAN=str(path), LOCAL=bool(document.get("local")))
        raise RefusedError(f"{path}: this plan is for a {kind}, not for a {self.kind}; execute it with: {command}")

    def _not_a_plan(self, path: Path) -> RefusedError:
        return RefusedError(f"{path}: not a plan that `{self.written_by}` wrote; plan again")

    def _fields(self, plan: PlanT) -> dict[str, Any]:
        return {"kind": self.kind, "schema": self.schema, **json.loads(json.dumps(plan, default=_as_json))}

    def _document(self, plan: PlanT) -> dict[str, Any]:
        content = self._fields(plan)
        return {"digest": _digest_of(content), **content}


@functools.cache
def _adapter(plan_type: type[Any]) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(plan_type)


def _digest_of(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _as_json(value: Any) -> Any:
    """Convert a value of a plan for JSON: a date to text, and a dataclass to a mapping.

    `dataclasses.asdict` would be several times slower, because it copies every value of a plan.
    """
    if isinstance(value, datetime):
        return value.isoformat()
    return {field.name: getattr(value, field.name) for field in fields(value)}


def time_differences(plan: SealedPlan, now: datetime) -> Iterator[str]:
    """Yield each reason why a plan is not valid at `now`: it has expired, is valid too long or is from the future."""
    if now >= plan.expires:
        yield f"the plan expired at {plan.expires:%Y-%m-%d %H:%M} UTC"
    if plan.expires - plan.created > VALID_FOR:
        yield f"the plan says that it is valid for longer than {VALID_FOR / timedelta(hours=1):.0f} hours"
    if plan.created - now > CLOCK_SKEW:
        yield f"the plan says that it was made at {plan.created:%Y-%m-%d %H:%M} UTC, which is in the future"


def refuse_other_aws(plan: SealedPlan, path: Path, *, local: bool) -> None:
    """Raise `RefusedError` if a plan for the local AWS would be executed on AWS, or the reverse."""
    if plan.local != local:
        raise RefusedError(
            f"{path} is a plan for {'the local AWS; add' if plan.local else 'AWS; leave out'}"
            f" {hints.option('LOCAL', value=True)}"
        )
