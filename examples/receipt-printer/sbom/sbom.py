"""Write the packages of `package-lock.json` as a CycloneDX bill of materials: `python sbom/sbom.py FILE`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

lock = json.loads(Path("package-lock.json").read_text(encoding="utf-8"))
components = []
for path, entry in lock["packages"].items():
    if path:
        name = path.rpartition("node_modules/")[2]
        purl = f"pkg:npm/{name.replace('@', '%40')}@{entry['version']}"
        components.append({"type": "library", "bom-ref": purl, "name": name, "version": entry["version"], "purl": purl})
document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}
Path(sys.argv[1]).write_text(json.dumps(document, indent=2), encoding="utf-8")
