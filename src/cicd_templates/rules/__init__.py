"""The project's own cfn-lint rules, one rule class per file.

A rule reads a finished template, rendered here or anywhere else, and yields a finding for each violation:

1. cfn-lint loads `loaded/every_rule.py`, which `.cfnlintrc` names. It gets `RULES`: every rule class in this folder.
2. cfn-lint calls `match` of each rule with the template. Most rules derive from `resource_rule.ResourceRule`, which
   calls their `check` for every resource of their types.
3. A rule reads the resource with `reading` (which follows `Fn::If`) and `policy_statements` (the statements of
   policies).
4. cfn-lint collects the findings. `cicd_templates.lint`, which runs cfn-lint, prints them.

To add a rule, add a file with one class that has an unused id; nothing else has to be registered. The documentation in
`docs/rules.md` is generated from `shortdesc` and `description`.

Rules use cfn-lint's API, this folder and a few modules of `template/`. They import nothing else of the project. They do
not call AWS and do not change the template. They never raise, whatever the template looks like. A value that only
CloudFormation can evaluate causes no finding.
"""

from importlib import import_module
from pkgutil import iter_modules

from cfnlint.rules._rule import CloudFormationLintRule


def _rule_classes(module_name: str) -> list[type[CloudFormationLintRule]]:
    """Return the rule classes that a module of this folder defines: the classes that have a rule id."""
    module = import_module(f"{__name__}.{module_name}")
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, CloudFormationLintRule)
        and value.__module__ == module.__name__
        and value.id
    ]


# Every rule, in the order of the numbers in their ids, which is the order of docs/rules.md.
RULES: tuple[type[CloudFormationLintRule], ...] = tuple(
    sorted(
        (rule for module in iter_modules(__path__) if not module.ispkg for rule in _rule_classes(module.name)),
        key=lambda rule: rule.id[1:],
    )
)
