"""Makes rendered templates worse, one change at a time, and reports the changes that no rule notices: `make mutate`.

Each changed template is a mutant. One of our rules, or else cfn-lint itself, must find each mutant. If neither finds a
mutant, it is listed and the run fails. checkov and the tests are not run, so no operator changes a fact that only those
check.
"""

from __future__ import annotations

import copy
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfnlint.config import ConfigMixIn
from cfnlint.runner import Runner
from cfnlint.template.template import Template

from cicd_templates.rules.registry import RULES
from cicd_templates.template import cloudformation_yaml
from tests.mutation.edits import Edit, Place
from tests.mutation.operators import OPERATORS

OUT = Path(__file__).parents[2] / "out"


@dataclass(frozen=True)
class Mutant:
    """A template with one change for the worse. The changed template is created only when it is needed."""

    operator: str
    path: str
    original: dict[str, Any]
    name: str
    edit: Edit

    @property
    def where(self) -> str:
        """Return the resource and its change in one line."""
        return f"{self.path} {self.name}: {self.edit.where[:100]}"

    @property
    def region(self) -> str:
        """Return the region to which the template would be deployed."""
        return str(self.original["Metadata"]["CicdTemplates"]["Region"])

    def template(self) -> dict[str, Any]:
        """Return the template with the change; unchanged parts are shared with the original."""
        resources = dict(self.original["Resources"])
        if self.edit.change is None:
            del resources[self.name]
        else:
            resources[self.name] = copy.deepcopy(resources[self.name])
            self.edit.change(resources[self.name])
        return {**self.original, "Resources": resources}


def mutants(folder: Path = OUT) -> Iterator[Mutant]:
    """Yield every mutant of every template in `folder`."""
    for path in sorted(folder.glob("*/*.yaml")):
        template: dict[str, Any] = cloudformation_yaml.load(path.read_text(encoding="utf-8"))
        facts = template["Metadata"]["CicdTemplates"]
        for name, body in template["Resources"].items():
            for operator in OPERATORS:
                for edit in operator(Place(name, body, facts)):
                    yield Mutant(operator.__name__, f"{path.parent.name}/{path.stem}", template, name, edit)


class Catcher:
    """Our rules, and cfn-lint's own rules for the mutants that ours do not find."""

    def __init__(self, runner: Runner | None = None) -> None:
        self._rules = [rule() for rule in RULES]
        self._runner = runner or Runner(ConfigMixIn(["--template", os.devnull]))

    def catch(self, mutant: Mutant) -> str | None:
        """Return the id of the first rule that catches the mutant, one of our own if there is one."""
        content = mutant.template()
        template = Template(None, content, [mutant.region])
        for rule in self._rules:
            if any(True for _ in rule.match(template)):
                return rule.id
        return next((match.rule.id for match in self._runner.validate_template(content)), None)


def main(tried_with: Catcher | None = None, chosen: Iterable[Mutant] | None = None, every: str = "1") -> int:
    """Try all mutants, or `chosen`, or one in `every`. Return 1 if one survives, 2 if `every` is not a number."""
    if not every.isdecimal() or int(every) < 1:
        print(f"EVERY={every}: give a number from 1 on; 10 tries one mutant in ten", file=sys.stderr)
        return 2
    started, catcher = time.perf_counter(), tried_with or Catcher()
    tried: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    by: dict[str, Counter[str]] = {}
    survivors = []
    for mutant in (mutant for index, mutant in enumerate(chosen or mutants()) if index % int(every) == 0):
        tried[mutant.operator] += 1
        rule = catcher.catch(mutant)
        if rule is None:
            survivors.append(f"  {mutant.operator}: {mutant.where}")
        else:
            caught[mutant.operator] += 1
            by.setdefault(mutant.operator, Counter())[rule] += 1
    for operator in sorted(tried):
        rules = ", ".join(f"{rule} {count}" for rule, count in sorted(by.get(operator, Counter()).items()))
        print(f"{operator:<26} {caught[operator]:>4} of {tried[operator]:<4} {rules}")
    if survivors:
        print("survivors:", *survivors, sep="\n")
    total, seconds = tried.total(), time.perf_counter() - started
    print(f"{caught.total()} of {total} mutants caught, {len(survivors)} survive ({seconds:.0f} s)")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(every=os.environ.get("EVERY", "1")))
