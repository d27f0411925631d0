"""Reads the reports that the scan gate of a rehearsal received from the checks, for `make gate` and `make waive`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from cicd_templates.rehearsal.artifacts import Artifact, read_artifact

# The files in the artifact of a check: its report, the record of its run and its copy of the scan policy.
KEPT = ("report.json", "report.xml", "run.json", "scan-policy.toml")
_CHECK = re.compile(r"[a-z0-9][a-z0-9-]*")


def read_check_reports(s3: Any, artifacts: Iterable[Artifact]) -> dict[str, str]:
    """Return the texts of the files `KEPT` in the artifacts of checks, keyed by `<check>/<file>`.

    The file `run.json` in an artifact names the check. An artifact without this file is left out.
    """
    texts: dict[str, str] = {}
    for artifact in artifacts:
        archive = read_artifact(s3, artifact)
        names = [name for name in archive.namelist() if name in KEPT]
        if "run.json" not in names:
            continue
        check = str(json.loads(archive.read("run.json")).get("check"))
        if _CHECK.fullmatch(check):
            texts |= {f"{check}/{name}": archive.read(name).decode("utf-8", "replace") for name in names}
    return texts
