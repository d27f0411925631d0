"""Measures how fast buckets are emptied, and how much memory that takes: `make bench-destroy`.

Compares the objects per second on the local AWS with one deletion per call. Measures the memory for up to a million
simulated versions, each number in a process of its own. Prints the tables of docs/destroying.md.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cicd_templates.deploy.aws.clients import Clients, local_clients
from cicd_templates.deploy.aws.resource_types.s3 import empty_bucket
from cicd_templates.local.engine_process import running

ROOT = Path(__file__).parents[2]
VERSIONS = 3000
SIMULATED = (1_000, 10_000, 100_000, 1_000_000)

# Prints the seconds and the growth of the peak memory in bytes. Pages are created on demand, like those of S3.
MEASURE = """
import sys, time
from cicd_templates.deploy.aws.resource_types.s3 import empty_bucket
count = int(sys.argv[1])
class S3:
    passes = 0
    def get_paginator(self, name):
        class Paginator:
            def paginate(self, **request):
                S3.passes += name == "list_object_versions"
                if name == "list_object_versions" and S3.passes == 1:
                    for start in range(0, count, 1000):
                        yield {"Versions": [{"Key": f"reports/bandit/{n}.json", "VersionId": f"{n:032d}"}
                                            for n in range(start, min(start + 1000, count))]}
        return Paginator()
    def delete_objects(self, **request):
        return {}
class Clients:
    s3 = S3()
def peak():
    # Not getrusage: its peak is that of the process which started this one, too.
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
before, began = peak(), time.perf_counter()
assert empty_bucket(Clients(), "b") == count
print(time.perf_counter() - began, peak() - before)
"""


def filled(clients: Clients, bucket: str) -> None:
    """Create a bucket with `VERSIONS` versions of 50 keys."""
    clients.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    clients.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: clients.s3.put_object(Bucket=bucket, Key=f"k{number % 50}"), range(VERSIONS)))


def one_by_one(clients: Clients, bucket: str) -> None:
    """Delete one version per call until the bucket is empty, as a simple script would."""
    while versions := clients.s3.list_object_versions(Bucket=bucket).get("Versions"):
        for version in versions:
            clients.s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def main() -> None:
    """Print both tables of docs/destroying.md."""
    print("| deletion | versions | seconds | versions a second |")
    print("| --- | --- | --- | --- |")
    with running(python=ROOT / ".venv-local/bin/python") as engine:
        clients = local_clients(engine.url, "222222222222", "eu-central-1", engine.secret)
        for name, work in (("one a call", one_by_one), ("1,000 a call, 4 calls at a time", empty_bucket)):
            bucket = f"bench-{name[0]}-{len(name)}"
            filled(clients, bucket)
            began = time.perf_counter()
            work(clients, bucket)
            seconds = time.perf_counter() - began
            assert not clients.s3.list_object_versions(Bucket=bucket).get("Versions")
            print(f"| {name} | {VERSIONS:,} | {seconds:.2f} | {VERSIONS / seconds:,.0f} |", flush=True)
    print("\n| simulated versions | seconds | growth of the peak, MB |")
    print("| --- | --- | --- |")
    for count in SIMULATED:
        command = [sys.executable, "-c", MEASURE, str(count)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, grown = map(float, answer.stdout.split())
        print(f"| {count:,} | {seconds:.2f} | {grown / 1e6:.1f} |", flush=True)


if __name__ == "__main__":
    main()
