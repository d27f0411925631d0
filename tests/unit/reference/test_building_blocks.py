"""The tables of the building blocks list the required arguments, and no grant is missing."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

from cicd_templates.blocks import bucket_access, buckets, keys, log_groups, queues
from cicd_templates.reference import building_blocks


def test_a_line_has_the_required_arguments_and_the_first_sentence() -> None:
    _, *lines, _ = building_blocks.table([buckets.encrypted_bucket, bucket_access.may_read])

    assert lines == [
        "| Function | What it does |",
        "|---|---|",
        "| `blocks.buckets.encrypted_bucket(logical_id, env, name, key=, logs=)` | Return a bucket that is encrypted"
        " with the environment's KMS key and writes its access log to `logs` |",
        "| `blocks.bucket_access.may_read(sid, bucket, *keys)` | Let a role read all versions of the objects whose keys"
        " match one of `keys` |",
    ]


@pytest.mark.parametrize("module", [bucket_access, keys, log_groups, queues])
def test_every_grant_for_a_role_is_listed(module: ModuleType) -> None:
    grants = [function for name, function in inspect.getmembers(module, inspect.isfunction) if name.startswith("may_")]

    assert grants
    assert [grant.__name__ for grant in grants if grant not in building_blocks.GRANTS] == []
