"""Print a JSON list of the code that Bandit did not examine: `bandit_failures.py SOURCE LOG`.

LOG is the file with Bandit's standard error. If one of Bandit's tests raises an exception, Bandit logs the exception
and continues. Bandit's report then contains no finding and no error.

The list also contains the files below SOURCE whose code is nested too deeply.
"""

import json
import re
import sys

from cicd_templates.builds.scripts.nested_code import files_nested_too_deep

# The format of Bandit's log. Messages of other levels are not about failures.
ERROR = re.compile(r"\[[\w.]+\]\t(?:ERROR|CRITICAL)\t(.*?)(?:Traceback \(most.*)?$", re.MULTILINE)
MOST_SHOWN = 5


def failures(source: str, log: str) -> list[str]:
    """Return a phrase for each error in Bandit's log, and for each file in `source` whose code is nested too deeply.

    If there are more than MOST_SHOWN phrases, the rest is left out. The result then ends with a text such as `3 more`.
    """
    logged = list(dict.fromkeys(f"code on which Bandit failed ({error[:300]})" for error in ERROR.findall(log)))
    found = [*files_nested_too_deep(source), *logged]
    more = [f"{len(found) - MOST_SHOWN} more"] if len(found) > MOST_SHOWN else []
    return [*found[:MOST_SHOWN], *more]


with open(sys.argv[2], encoding="utf-8", errors="replace") as file:
    print(json.dumps(failures(sys.argv[1], file.read())))
