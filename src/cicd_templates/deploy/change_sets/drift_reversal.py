"""Decides for which stacks a plan may revert drift. Does not call AWS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cicd_templates.deploy.change_sets.drift import SHIFTED, StackDrift
from cicd_templates.deploy.change_sets.security_group_rules import has_rules_of_others
from cicd_templates.template.stack_template import StackTemplate


@dataclass(frozen=True)
class DetectedDrift:
    """The drift of the stacks of a plan.

    If `revert` is true, the plan reverts the drift. If it is false, the plan shows the drift but does not revert it.
    """

    stacks: tuple[StackDrift, ...]
    revert: bool = False

    def reverts(self, stack: StackTemplate) -> bool:
        """Return whether the plan reverts the drift of `stack`."""
        return stack.label in self._labels() and not reason_to_keep(stack)

    def kept(self, stacks: Iterable[StackTemplate]) -> dict[str, str]:
        """Return the stacks whose drift remains although the plan reverts drift, as a map from label to reason.

        `stacks` are the stacks of the plan. If `revert` is false, the plan reverts no drift, and the result is empty.
        """
        reasons = {stack.label: reason_to_keep(stack) for stack in stacks}
        kept = {label: reasons.get(label, "this plan leaves the stack out") for label in self._labels()}
        return {label: reason for label, reason in kept.items() if reason}

    def _labels(self) -> tuple[str, ...]:
        return tuple(stack.stack for stack in self.stacks if self.revert and stack.drifted)


def reason_to_keep(stack: StackTemplate) -> str:
    """Return why no change set may revert the drift of `stack`, or an empty string.

    A change set reverts the drift of all resources, so it would also revert changes that were made on purpose.
    """
    if any(resource["Type"] == SHIFTED for resource in stack.resources.values()):
        return "the change set would also revert the weights of listener rules, which ECS changes in a deployment"
    if has_rules_of_others(stack):
        return "the change set would also remove the rules that other stacks add to security groups"
    return ""
