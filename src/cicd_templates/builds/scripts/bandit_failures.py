"""Print what Bandit did not judge, as a JSON list: `bandit_failures.py SOURCE LOG`.

If a test of Bandit fails inside, Bandit logs the error, goes on, and reports neither a finding nor an error. LOG is
what it wrote to standard error. Files that are nested too deep are listed as well.
"""

import json
import re
import sys

from cicd_templates.builds.scripts.nested_code import files_nested_too_deep

# The format of Bandit's log. Messages of other levels are not about failures.
ERROR = re.compile(r"\[[\w.]+\]\t(?:ERROR|CRITICAL)\t(.*?)(?:Traceback \(most.*)?$", re.MULTILINE)
MOST_SHOWN = 5


def failures(source: str, log: str) -> list[str]:
    """Return what to say about the errors in the log and about the files in `source`."""
    logged = list(dict.fromkeys(f"what Bandit failed on ({error[:300]})" for error in ERROR.findall(log)))
    found = [*files_nested_too_deep(source), *logged]
    more = [f"{len(found) - MOST_SHOWN} more"] if len(found) > MOST_SHOWN else []
    return [*found[:MOST_SHOWN], *more]


with open(sys.argv[2], encoding="utf-8", errors="replace") as file:
    print(json.dumps(failures(sys.argv[1], file.read())))
