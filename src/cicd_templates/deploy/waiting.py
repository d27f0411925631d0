"""How long a wait lasts and how often it looks, with the clock handed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from cicd_templates.errors import CicdError

# CloudFormation gives an ECS service three hours to stabilise before it gives up itself.
LONGEST_OPERATION_SECONDS = 4 * 3600.0
CHANGE_SET_SECONDS = 600.0


@dataclass(frozen=True)
class Patience:
    """Seconds between two looks, and the clock."""

    poll_seconds: float = 2.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    def until(
        self,
        done: Callable[[], bool],
        what: str,
        limit_seconds: float,
        then: str = "the same command continues from there",
    ) -> None:
        """Look until `done` says so. Raises `CicdError` naming `what` and `then` after `limit_seconds`.

        Giving up stops only the watching; the operation in AWS goes on.
        """
        deadline = self.now() + limit_seconds
        while not done():
            if self.now() >= deadline:
                raise CicdError(
                    f"{what} has not ended within {limit_seconds / 60:.0f} minutes; it goes on in AWS, and {then}"
                )
            self.sleep(self.poll_seconds)
