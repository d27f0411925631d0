"""Defines the plan of one stack: its changes, and what they mean. `make plan` and approval pages show such plans."""

from __future__ import annotations

from dataclasses import dataclass, field

from cicd_templates.template.changes.impact import Change, Impact
from cicd_templates.template.policy_diff import PolicyDiff


@dataclass(frozen=True)
class AccessPath:
    """An access path: `right` is a verb, such as `reads`, that says what `principal` may do with `target`.

    `is_data` is true if the right concerns data or the encryption of data. `change` is `new`, `gone` or `same`.
    """

    principal: str
    right: str
    target: str
    is_data: bool
    change: str


@dataclass(frozen=True)
class PlannedStack:
    """The plan of one stack. `change_set` is the ARN of its change set, or empty if nothing would change.

    - `service` is the service to which the stack belongs, or empty.
    - `file` is the file of its template. `lines` maps each changed resource's logical id to its line in this file.
    - `inputs` are the values that the stack reads from Parameter Store, by path.
    - `kept` has the parameters that the pipeline sets. A deployment of the stack keeps their current values.
    - `impacts` has one entry for each of `changes`, in the same order.
    - `paths` are the access paths in the policies of the changed resources.
    - `reverts_drift` says whether the change set also reverts changes that were made outside CloudFormation.
    - `ignored_drift` has a line for each property whose drift the change set does not revert.
    """

    name: str
    label: str
    template_sha256: str
    creates: bool = False
    change_set: str = ""
    stack_id: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    impacts: tuple[Impact, ...] = ()
    grants: dict[str, PolicyDiff] = field(default_factory=dict)
    paths: tuple[AccessPath, ...] = ()
    findings: tuple[str, ...] = ()
    longest_wait_seconds: float = 0.0
    service: str = ""
    file: str = ""
    lines: dict[str, int] = field(default_factory=dict)
    reverts_drift: bool = False
    ignored_drift: tuple[str, ...] = ()

    @property
    def is_changing(self) -> bool:
        """Whether a deployment would change the stack.

        The preview of a new stack has no change set, but a list of changes.
        """
        return bool(self.change_set or self.changes)
