"""The calls of the deployer, and the fields of the answers that it reads. Fakes must get these fields right."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.deploy.recovery.claims import claims
from cicd_templates.deploy.recovery.unsettled_stacks import never_checked_for_drift, unsettled
from cicd_templates.deploy.runs.status import outputs, status_rows
from tests.conftest import ROOT
from tests.fakes.read_fields import noting
from tests.fakes.simulated_aws import TOKENS
from tests.unit.deploy.runs.test_deployment import BUCKET, TOPIC
from tests.unit.deploy.runs.test_first_creations import NEWS, after, deploy_well, destroy_all

# How other services spell the fields of a tag, and what paginators read.
OTHERS = {"TagKey", "TagValue", "key", "value", *TOKENS}
ROW = re.compile(r"^\| `(\w+)` \| (.*) \|$", re.M)


def fields_read() -> dict[str, set[str]]:
    """Return the fields that plan, deploy, status, recover and destroy read, by operation.

    The environment is created after a failure and a plan, updated, replaced and destroyed, once disposable and once
    protected.
    """
    read: dict[str, set[str]] = defaultdict(set)
    for protection in ("disposable", "protected"):
        with tempfile.TemporaryDirectory() as folder:
            harness = after(Path(folder), protection, [])
            aws: Any = harness.aws

            def show(operation: str, answer: Any) -> Any:
                read[operation].update(())
                return noting(answer, "", read[operation].add)

            aws.show = show
            for ending in ("failed", "planned", "refused", "executed"):
                again = after(Path(folder) / ending, protection, [(ending, 1)])
                again.aws.show = show
                deploy_well(again)
            deploy_well(harness)
            harness.stacks[0] = harness.keys("key-2", Data=BUCKET, News=NEWS, More=TOPIC)
            harness.plan()
            harness.execute()
            deploy_well(harness)
            harness.plan()
            list(unsettled(aws, harness.stacks, claims(harness.context.state, harness.stacks[0], local=False)))
            never_checked_for_drift(aws, harness.stacks)
            status_rows(aws, harness.stacks, harness.stacks)
            outputs(aws, harness.stacks)
            destroy_all(harness)
    return {name: {each for each in fields if each.rpartition(".")[2] not in OTHERS} for name, fields in read.items()}


@pytest.mark.no_cover
def test_the_page_lists_every_call_and_every_field_that_is_read() -> None:
    assert {operation: sorted(fields) for operation, fields in sorted(listed_fields().items())} == {
        operation: sorted(fields) for operation, fields in sorted(fields_read().items())
    }


def listed_fields() -> dict[str, set[str]]:
    section = (ROOT / "docs/fakes.md").read_text().partition("## Every call")[2]
    return {operation: set(filter(None, fields.split(", "))) for operation, fields in ROW.findall(section)}
