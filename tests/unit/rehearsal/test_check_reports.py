"""The reports that checks of a rehearsal gave to the gate, in the layout that `make gate` reads."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from cicd_templates.rehearsal.artifacts import Artifact
from cicd_templates.rehearsal.check_reports import read_check_reports


class S3:
    """A bucket with zip files by key."""

    def __init__(self, **artifacts: dict[str, str]) -> None:
        self.artifacts = artifacts

    def get_object(self, **request: str) -> Any:
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            for name, text in self.artifacts[request["Key"]].items():
                archive.writestr(name, text)
        return {"Body": io.BytesIO(data.getvalue())}


def record(check: Any) -> str:
    return json.dumps({"check": check})


def test_the_files_of_each_check_are_read_and_nothing_else() -> None:
    s3 = S3(
        App={"run.json": record("../app"), "report.json": "{}"},
        Source={"src/a.py": "x", "report.json": "{}"},
        Number={"run.json": record(7.5)},
        Tests={"run.json": record("unit-tests"), "report.xml": "<testsuite/>", "scan-policy.toml": "", "other": "x"},
    )
    texts = read_check_reports(s3, [Artifact(name, "bucket", name) for name in s3.artifacts])

    assert texts == {
        "unit-tests/run.json": record("unit-tests"),
        "unit-tests/report.xml": "<testsuite/>",
        "unit-tests/scan-policy.toml": "",
    }
