"""Makes read-only calls to AWS in parallel threads, so that a command does not wait for each answer in turn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")
# A client of botocore keeps at most ten connections.
CONCURRENT_READS = 8


class Readers:
    """Threads that make read-only calls until the end of the `with` block.

    Unlike the threads of a `ThreadPoolExecutor`, these threads never delay the end of the process, for example after
    Ctrl-C. The process can end in the middle of a call, so the calls must not change anything.
    """

    def __init__(self, threads: int = CONCURRENT_READS) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._threads, self._closed = threads, False

    def __enter__(self) -> Readers:
        for number in range(self._threads):
            threading.Thread(target=self._work, name=f"reader-{number}", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for _ in range(self._threads):
            self._calls.put(None)

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Run `call` in one of the threads. Return its future result, or the exception that it raises."""
        future: Future[T] = Future()
        self._calls.put((future, call))
        return future

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            future, call = item
            # After the end of the block, the calls that wait are left out.
            if self._closed:
                continue
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)
