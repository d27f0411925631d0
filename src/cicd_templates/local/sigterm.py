"""Makes SIGTERM interrupt a block as Ctrl-C does, so that the block can stop what it has started."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def interrupting() -> Iterator[None]:
    """If SIGTERM arrives within the `with` block, raise `KeyboardInterrupt` there.

    CI systems, `timeout` and make can all send SIGTERM to end a job, so the signal can arrive several times. Only the
    first SIGTERM interrupts the block. The others are ignored, so that they do not interrupt the block's cleanup.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) == 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
