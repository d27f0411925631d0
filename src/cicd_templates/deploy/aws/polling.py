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
# After this long the pause between two polls is ten times as long: nobody watches such an operation closely.
PATIENT_SECONDS = 1800.0
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True)
class Polling:
    """How to poll: the seconds between two polls, the clock, and a source of jitter from 0 to 1.

    Jitter keeps callers that began together from polling together.
    """

    poll_seconds: float = 2.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random

    def pause(self, waited: float = 0.0, failures: int = 0) -> None:
        """Sleep until the next poll: longer with the time waited and the polls in a row that failed."""
        age = 1 + 9 * min(waited / PATIENT_SECONDS, 1)
        seconds = min(self.poll_seconds * age * 2.0**failures, max(LONGEST_PAUSE_SECONDS, self.poll_seconds))
        # A fifth more or less, so that two callers that began together drift apart.
        self.sleep(seconds * (0.8 + 0.4 * self.jitter()))

    def until(
        self,
        done: Callable[[], bool],
        what: str,
        limit_seconds: float,
        then: str = "the same command continues from there",
    ) -> None:
        """Poll until `done` returns true. Raises `CicdError` with `what` and `then` after `limit_seconds`.

        A timeout ends only the polling; the operation in AWS continues.
        """
        deadline = self.now() + limit_seconds
        while not done():
            if self.now() >= deadline:
                raise CicdError(
                    f"{what} has not ended within {limit_seconds / 60:.0f} minutes; it goes on in AWS, and {then}"
                )
            self.sleep(self.poll_seconds)
