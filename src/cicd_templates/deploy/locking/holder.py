"""Defines the record of the command that holds an environment's lock. This module does not call AWS."""

from __future__ import annotations

import json
import os
import socket
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version

NAME = "deployment-lock"


@dataclass(frozen=True)
class Holder:
    """The command that holds an environment's lock.

    The user passes `id` to `make unlock`. `caller` is an ARN, and `since` is a time in UTC.
    """

    id: str
    verb: str
    caller: str
    host: str
    process: int
    since: str
    version: str

    @classmethod
    def here(cls, verb: str, caller: str, now: datetime) -> Holder:
        """Return a `Holder` that describes this process, with a new id."""
        return cls(
            uuid.uuid4().hex[:8],
            verb,
            caller,
            socket.gethostname(),
            os.getpid(),
            f"{now:%Y-%m-%d %H:%M:%S}",
            version("cicd-templates"),
        )

    def to_json(self) -> str:
        """Return the holder as JSON, which becomes the value of the lock's parameter."""
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        """Return a description of the holder for messages."""
        return f"{self.id} ({self.command}, since {self.since} UTC, version {self.version})"

    @property
    def command(self) -> str:
        """Return a description of the command: what it does, who started it, and on which machine."""
        return f"make {self.verb} by {self.caller or 'somebody'}, process {self.process} on {self.host}"


def parse_holder(value: str) -> Holder:
    """Return the holder of a lock. `value` is the text in the lock's Parameter Store parameter.

    If another program wrote the text, the complete text becomes the id of the holder.
    """
    try:
        return Holder(**json.loads(value))
    except (ValueError, TypeError):
        return Holder(value, "?", "", "an unknown machine", 0, "an unknown time", "unknown")


def lock_parameter(root: str) -> str:
    """Return the name of the Parameter Store parameter that locks an environment.

    `root` is the environment's path in Parameter Store, and ends with `/`. Stacks publish their outputs as parameters
    below the same path. The names of these parameters also contain a layer, so they differ from the name of the lock.
    """
    return f"{root}{NAME}"
