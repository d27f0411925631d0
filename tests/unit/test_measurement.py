"""Coverage is measured at most once at a time, whatever stops and starts the measurement."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from coverage import Coverage

from tests.measurement import is_measured, measured, unmeasured


class Measurement:
    """A measurement that puts itself on a stack when it starts, as coverage does."""

    def __init__(self, stack: list[Measurement]) -> None:
        self._stack = stack

    def start(self) -> None:
        self._stack.append(self)

    def stop(self) -> None:
        if self in self._stack:
            self._stack.remove(self)


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param(lambda measurement: None, id="nothing"),
        pytest.param(lambda measurement: measurement.start(), id="a start"),
        pytest.param(lambda measurement: (measurement.stop(), measurement.start()), id="a stop and a start"),
    ],
)
def test_what_was_measured_before_is_measured_once_afterwards(
    inside: Callable[[Measurement], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack: list[Measurement] = []
    measurement = Measurement(stack)
    measurement.start()
    with monkeypatch.context() as patch:
        patch.setattr(Coverage, "current", lambda: stack[-1] if stack else None)
        with unmeasured():
            assert stack == []
            inside(measurement)

    assert stack == [measurement]


def test_within_a_block_without_measurement_nothing_begins_one() -> None:
    with unmeasured(), measured():
        assert not is_measured()
