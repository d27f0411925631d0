"""A hostile application, released as a zip and rehearsed: the gate reports exactly the findings that it hides."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.hostile import application
from tests.integration.rehearsed_example import Rehearsed, example, rehearsed
from tests.integration.remembered_tools import INSTALLED

pytestmark = [pytest.mark.integration, pytest.mark.long]


def released(folder: Path, *more: Mapping[str, bytes]) -> Path:
    """Return a zip of the example with additional files."""
    app = example(folder)
    for files in more:
        application.write(files, app)
    archive = folder / "app.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(app.rglob("*")):
            target.write(path, path.relative_to(app))
    return archive


def verdict(example: Rehearsed) -> str:
    """Return the verdict that the gate stored as evidence."""
    s3 = example.run.setup.root_session(example.run.pipeline.role).client("s3")
    (bucket,) = [each["Name"] for each in s3.list_buckets()["Buckets"] if "-evidence-" in each["Name"]]
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    (key,) = [key for key in keys if key.endswith("/verdict.json")]
    text: str = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    return text


def test_the_gate_stops_a_hostile_application_and_names_every_planted_finding(tmp_path: Path) -> None:
    code, secrets = application.findings()
    with rehearsed(tmp_path, released(tmp_path, application.steering(), code, secrets), tools=INSTALLED) as example:
        text = json.dumps(json.loads(verdict(example)), ensure_ascii=False)

        assert [step.path for step in example.rehearsal.result.failed] == ["Gate/Gate"]
        assert [path for path in (*code, *secrets) if path not in text] == []


def test_without_findings_the_hostile_application_passes_like_the_plain_one(tmp_path: Path) -> None:
    with rehearsed(tmp_path, released(tmp_path, application.steering()), tools=INSTALLED) as example:
        assert [step.path for step in example.rehearsal.result.failed] == []
