"""Collects every rule class of this folder. To add a rule, add a file with one class that has an unused id."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from cfnlint.rules._rule import CloudFormationLintRule

PACKAGE = __name__.rpartition(".")[0]


def _module_names() -> list[str]:
    return [module.name for module in iter_modules([str(Path(__file__).parent)]) if not module.ispkg]


def _rule_classes(module_name: str) -> list[type[CloudFormationLintRule]]:
    """Return the rule classes that a module of this folder defines. A rule class is a class with a rule id."""
    module = import_module(f"{PACKAGE}.{module_name}")
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, CloudFormationLintRule)
        and value.__module__ == module.__name__
        and value.id
    ]


# Every rule, ordered by the number in its id. The rules in docs/rules.md have the same order.
RULES: tuple[type[CloudFormationLintRule], ...] = tuple(
    sorted((rule for name in _module_names() for rule in _rule_classes(name)), key=lambda rule: rule.id[1:])
)
