"""The holder of an environment's lock, as the lock's parameter records it. Pure."""

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
    """One command that holds the lock. `id` names it for `make unlock`; `caller` is an ARN, `since` is UTC."""

    id: str
    verb: str
    caller: str
    host: str
    process: int
    since: str
    version: str

    @classmethod
    def here(cls, verb: str, caller: str, now: datetime) -> Holder:
        """Return this process as a holder, with an id of its own."""
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
        """Return the value of the lock's parameter."""
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        """Return who it is, in words."""
        return (
            f"{self.id} (make {self.verb} of {self.caller or 'somebody'}, process {self.process} on {self.host},"
            f" since {self.since} UTC, version {self.version})"
        )


def parse_holder(value: str) -> Holder:
    """Return the holder in the value of a lock's parameter.

    A value that this program did not write also locks the environment; the value itself is then the id of the holder.
    """
    try:
        return Holder(**json.loads(value))
    except (ValueError, TypeError):
        return Holder(value, "?", "", "an unknown machine", 0, "an unknown time", "unknown")


def lock_parameter(root: str) -> str:
    """Return the name of the lock's parameter; `root` is the path of the environment's parameters and ends with `/`.

    The name of a published value also contains the name of its layer, so it never equals this name.
    """
    return f"{root}{NAME}"
