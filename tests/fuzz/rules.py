"""Runs our lint rules over foreign templates, to show that no rule raises: `make fuzz-rules FOLDER=...`.

Prints the number of templates, the number of findings by rule, and each rule that raised, with the template.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from cfnlint.decode import decode
from cfnlint.template.template import Template

from cicd_templates.rules.registry import RULES


def main(folder: Path) -> int:
    """Lint every template below `folder`. Return 1 if a rule raised or if there were no templates."""
    started, rules = time.perf_counter(), [rule() for rule in RULES]
    found: Counter[str] = Counter()
    templates, raised = 0, []
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml", ".json", ".template")):
        content, _ = decode(str(path))
        if not isinstance(content, dict) or "Resources" not in content:
            continue
        try:
            template = Template(str(path), content, ["us-east-1"])
        except Exception:  # noqa: S112  # what cfn-lint itself cannot take up never comes to a rule
            continue
        templates += 1
        for rule in rules:
            try:
                found[rule.id] += len(rule.match(template))
            except Exception as error:
                raised.append(f"  {rule.id} {path}: {error!r}")
    print(f"{templates} templates in {time.perf_counter() - started:.0f} s, {found.total()} findings")
    print(", ".join(f"{rule} {count}" for rule, count in sorted(found.items())))
    print(*(raised or ["no rule raised"]), sep="\n")
    return 1 if raised or not templates else 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1] or "?").is_dir():
        sys.exit("name a folder with templates: make fuzz-rules FOLDER=path")
    sys.exit(main(Path(sys.argv[1])))
