"""How long a wait lasts and how often it looks, with the clock handed in."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from cicd_templates.errors import CicdError

# CloudFormation itself ends an operation after 36 hours, and an ECS service that is not steady after three:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-linearconfiguration.html
LONGEST_OPERATION_SECONDS = 36 * 3600.0
CHANGE_SET_SECONDS = 600.0
# After this long the pause between two looks has grown tenfold; nobody waits at the screen for such an operation.
PATIENT_SECONDS = 1800.0
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True)
class Polling:
    """Seconds between two looks, the clock, and what spreads the looks of many who wait at once, from 0 to 1."""

    poll_seconds: float = 2.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random

    def pause(self, waited: float = 0.0, failures: int = 0) -> None:
        """Wait until the next look: longer the longer it has lasted, and the more looks in a row have failed."""
        age = 1 + 9 * min(waited / PATIENT_SECONDS, 1)
        seconds = min(self.poll_seconds * age * 2.0**failures, max(LONGEST_PAUSE_SECONDS, self.poll_seconds))
        # A fifth more or less than that, so that two who began together do not stay together.
        self.sleep(seconds * (0.8 + 0.4 * self.jitter()))

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
