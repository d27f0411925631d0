"""Environment markers of requirements: which of them are false on every Linux system.

This module is part of several scripts: `builds/build_scripts.py` puts its text in the place of their import.
"""

import re

# A comparison of a marker with a plain string. Another string could contain the word `and`: https://peps.python.org/pep-0508/
COMPARED = r"""[a-z_]+ *(?:[<>=!~]=|===|[<>]) *(?:"[\w.-]*"|'[\w.-]*')"""
PLAIN_MARKER = re.compile(rf" *{COMPARED}(?: +and +{COMPARED})* *")
OTHER_SYSTEM = re.compile(
    r"\b(?:sys_platform|platform_system|os_name) *== *[\"'](?:win32|cygwin|darwin|Windows|Darwin|nt)[\"']"
)


def for_another_system(marker: str) -> bool:
    """Return whether an environment marker is false on every Linux system.

    Return False for a marker that consists of more than plain comparisons.
    """
    return bool(PLAIN_MARKER.fullmatch(marker) and OTHER_SYSTEM.search(marker))
