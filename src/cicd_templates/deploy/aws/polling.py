"""Polls until a condition is met or a time limit is reached. The caller passes the clock."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from cicd_templates.errors import CicdError

# CloudFormation ends any operation after 36 hours, and stops waiting for an ECS service to be steady after three hours:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-linearconfiguration.html
LONGEST_OPERATION_SECONDS = 36 * 3600.0
CHANGE_SET_SECONDS = 600.0
# After this time the pause between two polls is ten times as long, because nobody watches such an operation closely.
PATIENT_SECONDS = 1800.0
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True)
class Polling:
    """The settings for polling: the seconds between two polls, the clock, and a source of random numbers from 0 to 1.

    The random numbers vary the pauses, so that callers that started together do not poll at the same moments.
    """

    poll_seconds: float = 2.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random

    def pause(self, waited: float = 0.0, failures: int = 0) -> None:
        """Sleep until the next poll.

        The pause grows with the seconds `waited` so far and with the number of consecutive `failures`.
        """
        age = 1 + 9 * min(waited / PATIENT_SECONDS, 1)
        seconds = min(self.poll_seconds * age * 2.0**failures, max(LONGEST_PAUSE_SECONDS, self.poll_seconds))
        # Vary the pause by up to 20 %, so that two callers that started together do not keep polling at the same
        # moments.
        self.sleep(seconds * (0.8 + 0.4 * self.jitter()))

    def until(
        self,
        done: Callable[[], bool],
        what: str,
        limit_seconds: float,
        then: str = "the same command continues from there",
    ) -> None:
        """Poll until `done` returns true.

        Raises `CicdError` after `limit_seconds`. The error message begins with `what`, the name of the operation. At
        the end of the message, `then` tells the user how to continue.
        """
        deadline = self.now() + limit_seconds
        while not done():
            if self.now() >= deadline:
                raise CicdError(
                    f"{what} has not finished within {limit_seconds / 60:.0f} minutes; it continues in AWS, and {then}"
                )
            self.sleep(self.poll_seconds)
