"""Prevents orphans: processes that go on, and folders that stay, when the process that made them is killed.

SIGKILL cannot be caught, so a second process has to notice it: a shell that waits at the end of a pipe. The system
closes the pipe when this process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

# A line says that the block has ended, so that nothing is left to do. Otherwise, `read` fails at the end of the pipe.
WATCH = 'read -r ended && exit; kill -9 "-$1" 2>/dev/null; [ -z "$2" ] || rm -rf -- "$2"'


@contextlib.contextmanager
def prevented(group: int, folder: Path | None = None) -> Iterator[None]:
    """Kill the process group `group` and remove `folder` if this process is killed within the `with` block.

    Processes that have left the group go on. At the end of the block, nothing is killed or removed.
    """
    watcher = subprocess.Popen(  # noqa: S603 - fixed script, a number and a folder of our own as arguments
        ["/bin/sh", "-c", WATCH, "sh", str(group), str(folder or "")],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A signal for the group of this process must not end the watcher, too.
        start_new_session=True,
    )
    try:
        yield
    finally:
        with contextlib.suppress(BrokenPipeError):
            watcher.communicate(b"ended\n")
        watcher.wait()
