"""Store evidence of each attempt to run a task of a release: a migration, or the test run of a job.

The evidence is needed because ECS deletes its data about a task an hour after the task has stopped.

The attempts in one environment are numbered. An attempt has up to three S3 objects, which are never replaced:

- `started.json` is stored before the task is started. If two invocations try to begin the same attempt, S3 refuses the
  second `started.json`.
- `task.json` is stored as soon as the ARN of the task is known.
- `ended.json` is stored at the end.

The environment variables `EVIDENCE_BUCKET`, `SERVICE` and `RECORDS` determine the bucket and the keys of the objects.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import Any

SUCCEEDED, FAILED, UNKNOWN = "succeeded", "failed", "unknown"
# S3 lists keys in the order of their bytes. This number minus an attempt's number makes the newest attempt the first.
_LATEST = 10**6


@dataclass(frozen=True)
class Attempt:
    """An attempt to run an ECS task.

    - `run` is the id of the pipeline run, and `job` is the id of the CodePipeline job, in which the attempt began.
    - `began` is the start in seconds since 1970.
    - `task` is the ARN of the task, or empty if the ARN is not known.
    - `outcome` is empty until the attempt has ended.
    - `reason` says why the attempt failed.
    """

    number: int
    run: str
    job: str
    began: float
    task: str = ""
    outcome: str = ""
    reason: str = ""

    @property
    def age(self) -> float:
        """The seconds since the attempt began."""
        return time.time() - self.began


class Attempts:
    """The attempts to run a service's migration, or a service's job, in one environment."""

    def __init__(self, s3: Any, environment: str) -> None:
        self._s3, self._bucket = s3, os.environ["EVIDENCE_BUCKET"]
        self._prefix = f"{os.environ['SERVICE']}/{os.environ['RECORDS']}/{environment}/"

    def latest(self) -> Attempt | None:
        """Return the newest attempt, or None if there is none."""
        names = self._list_names()
        return self._read(max(names), names) if names else None

    def read(self, number: int) -> Attempt:
        """Return the attempt with this number. It must be one of the newest 30 attempts."""
        return self._read(number, self._list_names())

    def begin(self, number: int, run: str, job: str, **details: str) -> None:
        """Record that an attempt begins. Raises `ClientError` if an attempt with this number has already begun."""
        self._put(number, "started", {"run": run, "job": job, "began": time.time(), **details})

    def add_task(self, number: int, task: str) -> None:
        """Record the ARN of an attempt's task."""
        self._put(number, "task", {"task": task})

    def end(self, number: int, outcome: str, reason: str = "") -> None:
        """Record the outcome of an attempt."""
        self._put(number, "ended", {"outcome": outcome, "reason": reason, "ended": time.time()})

    def _key(self, number: int, name: str) -> str:
        return f"{self._prefix}{_LATEST - number:06d}/{name}.json"

    def _put(self, number: int, name: str, entry: dict[str, Any]) -> None:
        body = json.dumps(entry).encode()
        # A bucket with Object Lock accepts only uploads with a checksum.
        self._s3.put_object(
            Bucket=self._bucket,
            Key=self._key(number, name),
            Body=body,
            IfNoneMatch="*",
            ChecksumAlgorithm="SHA256",
        )

    def _list_names(self) -> dict[int, list[str]]:
        """Return the object names of the newest attempts, keyed by the number of the attempt.

        Listing shows reliably which objects are missing. A read does not: S3 answers "access denied" for a missing
        object if the caller may not list the whole bucket.
        """
        listed = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=100).get("Contents", [])
        names: dict[int, list[str]] = {}
        for item in listed:
            folder, _, name = item["Key"].removeprefix(self._prefix).partition("/")
            names.setdefault(_LATEST - int(folder), []).append(name.removesuffix(".json"))
        return names

    def _read(self, number: int, names: dict[int, list[str]]) -> Attempt:
        entries: dict[str, Any] = {}
        for name in names[number]:
            entries |= json.loads(self._s3.get_object(Bucket=self._bucket, Key=self._key(number, name))["Body"].read())
        known = entries.keys() & Attempt.__dataclass_fields__.keys()
        return Attempt(number, **{name: entries[name] for name in known})
