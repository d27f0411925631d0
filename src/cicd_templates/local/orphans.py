"""Prevents orphans: processes that keep running, and folders that remain, after their creator was killed.

A process cannot catch SIGKILL. So the creator starts a second process that cleans up: a shell that reads from a pipe.
The system closes the pipe when the creator ends, even after SIGKILL. Then the shell kills the process group and removes
the folder.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

# A line says that the block has ended, so that nothing is left to do. Otherwise, `read` fails at the end of the pipe.
# A killed process can still finish a system call that creates a file. Then the folder is removed at the second attempt.
WATCH = (
    'read -r ended && exit; kill -9 "-$1" 2>/dev/null; [ -z "$2" ] || rm -rf -- "$2" || { sleep 1; rm -rf -- "$2"; }'
)
# The open ends of the pipes at which the watchers of this process wait.
_pipes: set[IO[bytes]] = set()


@contextlib.contextmanager
def prevented(group: int, folder: Path | None = None) -> Iterator[None]:
    """Kill the process group `group` and remove `folder` if a signal ends the `with` block.

    A separate process does this, so it works even after SIGKILL and after a second signal. If the block ends without a
    signal, nothing is killed or removed. A process that has left the group is never killed.
    """
    watcher = subprocess.Popen(  # noqa: S603 - fixed script, a number and a folder of our own as arguments
        ["/bin/sh", "-c", WATCH, "sh", str(group), str(folder or "")],
        # Without a buffer, a child can close the pipe at any moment.
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A signal for the group of this process must not end the watcher, too.
        start_new_session=True,
    )
    pipe = cast(IO[bytes], watcher.stdin)
    _pipes.add(pipe)
    line = b"ended\n"
    try:
        yield
    except KeyboardInterrupt:
        line = b""
        raise
    finally:
        # A forked child that leaves the block has no open pipe. Writing to a closed one raises ValueError.
        with contextlib.suppress(BrokenPipeError, ValueError):
            watcher.communicate(line)
        watcher.wait()
        _pipes.discard(pipe)


def close_pipes() -> None:
    """Close the pipes in a forked child. Otherwise the child would keep the pipes open after its parent has ended."""
    for pipe in _pipes:
        pipe.close()


os.register_at_fork(after_in_child=close_pipes)
