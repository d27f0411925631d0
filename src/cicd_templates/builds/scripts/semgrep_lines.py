"""Put the source lines of each finding into Semgrep's report: `semgrep_lines.py REPORT`.

Without an account, Semgrep writes `requires login` instead of these lines. The gate needs the lines to tell findings
apart. Without the lines, a waiver for a finding would also cover other findings of the same rule in the same file.
"""

import json
import sys

MISSING = "requires login"

with open(sys.argv[1], encoding="utf-8") as file:
    report = json.load(file)
for result in report["results"]:
    extra = result["extra"]
    if extra.get("lines") == MISSING:
        with open(result["path"], encoding="utf-8", errors="replace") as file:
            lines = file.read().split("\n")
        extra["lines"] = "\n".join(lines[result["start"]["line"] - 1 : result["end"]["line"]])
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(report, file)
