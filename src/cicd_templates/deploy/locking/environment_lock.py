"""Defines the lock of an environment: a Parameter Store parameter that exists while a command changes the stacks.

Parameter Store refuses to create a parameter that exists, so two machines cannot both get the lock. The lock needs no
stack. The lock never expires, because the program cannot tell whether a command was killed, is slow, or waits on a
sleeping machine.

If a command ends without removing its lock, there are two ways to continue:

- On the same machine, the next command takes over the lock. Each running command also locks a local file. So if the
  next command can lock the file, the earlier command has ended.
- From any other machine, a person must remove the lock with `make unlock` and the id of the lock's holder.

docs/decisions/0011-an-environment-is-locked-by-a-parameter.md
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, TypeVar

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients, explain
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.aws.retry import AWS_ERRORS, retry_steps, run_steps
from cicd_templates.deploy.locking.holder import Holder, lock_parameter, parse_holder
from cicd_templates.errors import CicdError, DetachedError, RefusedError
from cicd_templates.files.private_files import open_lock_file, write_privately

T = TypeVar("T")
# A parameter may be missing if it is read immediately after its creation, so it is read several times.
READS = 3
DENIED = frozenset({"AccessDenied", "AccessDeniedException"})


@dataclass
class EnvironmentLock:
    """The lock of one environment in one account.

    `root` is the environment's path in Parameter Store. `folder` has the files in which this machine records its locks.
    `unlock` receives the id of a holder, and returns the make command that removes this holder's lock.
    """

    clients: Clients
    polling: Polling
    environment: str
    root: str
    folder: Path
    unlock: Callable[[str], str]
    _file: IO[str] | None = field(default=None, init=False)
    _id: str = field(default="", init=False)

    @property
    def parameter(self) -> str:
        """The name of the Parameter Store parameter that is the lock."""
        return lock_parameter(self.root)

    @contextlib.contextmanager
    def held(self, verb: str, caller: str, now: datetime) -> Iterator[EnvironmentLock]:
        """Hold the lock during the `with` block. Raises `RefusedError` if another command holds the lock.

        If the block raises a `DetachedError` because operations continue in AWS, the lock is not released. Then only
        a later command on this machine can take over the lock.
        """
        try:
            self._acquire(Holder.here(verb, caller, now))
            try:
                yield self
            except DetachedError as error:
                if not error.under_way:
                    self._release_after_a_failure()
                raise
            except BaseException:
                self._release_after_a_failure()
                raise
            self._release()
        except KeyboardInterrupt:
            raise DetachedError(
                "the command was stopped between two steps; run it again to continue", under_way=False
            ) from None
        finally:
            self._close()

    def require_held(self) -> None:
        """Raise `DetachedError` if this command has lost the lock. Another command may be running in this case."""
        for _ in range(READS):
            if holder := self.holder():
                break
            self.polling.pause()
        if holder is None or holder.id != self._id:
            who = f"{holder} holds it now" if holder else "nobody holds it now"
            raise DetachedError(
                f"{self.environment}: the lock of this run was removed, and {who}; this run starts no further"
                " operations"
            )

    def holder(self) -> Holder | None:
        """Return the command that holds the lock, or None."""
        try:
            answer = self._call(lambda: self.clients.ssm.get_parameter(Name=self.parameter))
        except ClientError as error:
            if error.response["Error"]["Code"] == "ParameterNotFound":
                return None
            raise
        return parse_holder(answer["Parameter"]["Value"])

    def break_by_name(self, name: str) -> Holder | None:
        """Remove the lock if its holder has the id `name`. Return the holder, or None if there is no lock.

        Raises `RefusedError` with the current holder if `name` is empty or does not match the holder's id.
        """
        holder = self.holder()
        if holder is not None and holder.id != name:
            raise RefusedError(
                f"{self.environment} is locked by {holder}; if that command has ended, remove its lock:"
                f" {self.unlock(holder.id)}"
            )
        if holder is not None:
            self._delete()
        return holder

    def _acquire(self, ours: Holder) -> None:
        self._lock_file()
        known = self._remembered()
        if known and (holder := self.holder()) and (holder.id, holder.host) == (known, ours.host):
            # This machine's earlier command holds the lock, and its file shows that it has ended. The name of the host
            # is compared, because the file may have been copied to another machine.
            self._id = known
            return
        # The id is written before the call, because the call may take effect even if its answer is lost.
        write_privately(self._memory, ours.id)
        try:
            self._call(
                lambda: self.clients.ssm.put_parameter(
                    Name=self.parameter,
                    Value=ours.to_json(),
                    Type="String",
                    Description="Exists while a command changes this environment; see `make unlock`",
                )
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in DENIED:
                raise CicdError(
                    f"{self.environment}: the lock cannot be set ({explain(error)}); allow ssm:PutParameter,"
                    f" ssm:GetParameter and ssm:DeleteParameter on {self.parameter}, as `make deploy-policy` prints"
                ) from None
            if code != "ParameterAlreadyExists":
                raise
            self._refuse_another(ours)
        self._id = ours.id

    def _refuse_another(self, ours: Holder) -> None:
        """Raise `RefusedError` unless this command, `ours`, already holds the lock."""
        # An earlier request may have set the lock although its answer was lost.
        holder = self.holder()
        if holder is None or holder.id != ours.id:
            if holder is None:
                raise RefusedError(
                    f"{self.environment}: another command has only just released the lock; run this command again"
                )
            raise RefusedError(
                f"{self.environment}: locked by {holder}; wait until that command has ended, then run yours again; "
                f"if that command was killed, remove its lock: {self.unlock(holder.id)}"
            )

    def _release(self) -> None:
        """Remove the lock if this command still holds it."""
        holder = self.holder()
        if holder is not None and holder.id == self._id:
            self._delete()
        self._memory.unlink(missing_ok=True)

    def _release_after_a_failure(self) -> None:
        """Remove the lock. If this fails, the next command on this machine takes the lock over."""
        with contextlib.suppress(CicdError, *AWS_ERRORS):
            self._release()

    def _delete(self) -> None:
        try:
            self._call(lambda: self.clients.ssm.delete_parameter(Name=self.parameter))
        except ClientError as error:
            # If the parameter is missing, an earlier call whose answer was lost has already deleted it.
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise

    def _call(self, call: Callable[[], T]) -> T:
        return run_steps(retry_steps(call), self.polling)

    # The files of the lock on this machine.

    @property
    def _memory(self) -> Path:
        return self.folder / f"{self.environment}.holder"

    def _remembered(self) -> str:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return self._memory.read_text(encoding="utf-8")
        return ""

    def _lock_file(self) -> None:
        self._file = open_lock_file(self.folder / f"{self.environment}.lock")
        try:
            # The operating system releases the lock when the process ends, even if it crashes.
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self.holder()
            raise RefusedError(
                f"{self.environment}: another command on this machine is working on this environment"
                f"{f': {holder}' if holder else ''}; wait until that command ends, or stop it with Ctrl-C"
            ) from None

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
