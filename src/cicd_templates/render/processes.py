"""Maps a function over many items in forked processes, one per core.

A forked process inherits all objects of its parent. So the parent sends only the index of each item, and a forked
process sends only the results back. `multiprocessing`, `concurrent.futures` and `signal` are imported only when
processes are started, because small projects start none.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from cicd_templates.errors import CicdError

MOST_PROCESSES = 8
# For fewer stacks, starting processes and reading their results takes more time than it saves.
STACKS_WORTH_PROCESSES = 150

T = TypeVar("T")
R = TypeVar("R")


def process_count(stacks: int, cores: int | None = None) -> int:
    """Return how many processes to start for `stacks` stacks: one per core, or only one if there are few stacks.

    `cores` is the number of cores, by default that of this machine. The result is at most `MOST_PROCESSES`.
    """
    # Only a forked process has the layers without importing them again.
    if stacks < STACKS_WORTH_PROCESSES or not hasattr(os, "fork"):
        return 1
    return min(cores or os.cpu_count() or 1, MOST_PROCESSES)


def map_in_processes(
    function: Callable[[T], R], items: Sequence[T], processes: int, doing: Callable[[T], str], batch: int = 1
) -> Iterator[R]:
    """Call `function` for all `items` in several processes, and yield the results in the order of the items.

    A process receives `batch` items at a time. Larger batches are faster if each item needs little time. The results
    must be picklable; `function` and `items` need not be.

    Raises `CicdError` if a process ends before it has sent its results. For the message of this error, `doing(item)`
    describes the work on the item: it returns, for example, `review a stack`.
    """
    processes = min(processes, len(items))
    if processes < 2:
        yield from map(function, items)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, context, initializer=begin, initargs=(function, items)) as pool:
        done = 0
        try:
            for result in pool.map(call, range(len(items)), chunksize=batch):
                yield result
                done += 1
        except BrokenProcessPool:
            raise CicdError(
                f"one of {processes} processes was killed, so this command could not {doing(items[done])}; if memory is"
                " short, close other programs, then run the command again"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


_work: list[tuple[Callable[[Any], Any], Sequence[Any]]] = []


def begin(function: Callable[[Any], Any], items: Sequence[Any]) -> None:
    """Prepare a forked process: keep the function and the items for later calls, and ignore Ctrl-C.

    The parent process handles Ctrl-C. If the parent is killed, a thread in the forked process ends this process.
    """
    import multiprocessing
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _work[:] = [(function, items)]
    threading.Thread(target=end_after, args=(multiprocessing.parent_process(),), daemon=True).start()


def end_after(parent: Any) -> None:
    """Wait until the parent process has ended, then end this process."""
    parent.join()
    os._exit(1)


def call(index: int) -> Any:
    """Call the function that `begin` stored, with the stored item at `index`. Return the result."""
    ((function, items),) = _work
    return function(items[index])
