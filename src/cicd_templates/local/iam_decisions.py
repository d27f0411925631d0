"""Records each request that the local AWS allows or denies to a role, and adds two permission checks.

The added checks are iam:PassRole and the permission to use the KMS key of an encrypted resource. The local AWS must run
with AUTH=true. This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

CALLS_FILE = "calls.jsonl"
ALLOWED, DENIED = "allowed", "denied"


class Calls:
    """Stores the engine's IAM decisions in a file, one decision per line.

    Lines are only appended, so another process can read the file at any time.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / CALLS_FILE

    def add(self, principal: str, action: str, resource: str, decision: str, statement: str) -> None:
        """Append a decision. `statement` is the Sid of the statement that allowed the action."""
        row = [principal, action, resource, decision, statement]
        with self._file.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def rows(self) -> list[list[str]]:
        """Return all decisions, oldest first, each as a list: principal, action, resource, decision and statement."""
        return [json.loads(line) for line in self._file.read_text().splitlines()] if self._file.exists() else []


class Decisions:
    """Wraps the engine's functions `evaluate` and `enforce` to record their decisions."""

    def __init__(
        self,
        evaluator: ModuleType,
        calls: Calls,
        key_of: Callable[[str, str], str],
        key_actions: Mapping[str, Sequence[str]],
        passed: Callable[[], Sequence[tuple[str, str]]],
    ) -> None:
        """Prepare to add checks to `evaluator`, the engine's module that evaluates IAM policies.

        - `key_of` gets an action and the ARN of a resource, and returns the KMS key of the resource.
        - `key_actions` maps an action to KMS actions. If the resource is encrypted with a key, the caller also needs
          permission for these KMS actions.
        - `passed` returns the roles that the request passes to services (iam:PassRole), each with its service.
        """
        self._evaluator, self._calls = evaluator, calls
        self._key_of, self._key_actions, self._passed = key_of, key_actions, passed
        self._evaluate, self._enforce = evaluator.evaluate, evaluator.enforce
        self._latest = threading.local()

    def listen(self) -> None:
        """Replace the engine's functions `evaluate` and `enforce` with methods of this object.

        From now on, the engine calls these methods, because it looks up the functions by name at each call.
        """
        self._evaluator.evaluate = self.evaluate  # type: ignore[attr-defined]
        self._evaluator.enforce = self.enforce  # type: ignore[attr-defined]

    def evaluate(self, context: Any, *policies: Any) -> Any:
        """Evaluate the policies, and remember the Sid of the statement that allowed the action.

        The engine can call this method several times for one request. The first call evaluates the caller's own
        policies. Only the Sid from the first call is recorded.
        """
        result = self._evaluate(context, *policies)
        statement = result.matched_sid if result.decision == "Allow" else ""
        self._latest.statements = [*getattr(self._latest, "statements", ()), statement]
        # Only IAM's simulator evaluates the role itself. A request is evaluated for a session of the role.
        if ":role/" in context.principal_arn:
            decision = ALLOWED if result.decision == "Allow" else DENIED
            self._calls.add(context.principal_arn, context.action, context.resource_arn, decision, statement)
        return result

    def enforce(
        self,
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        """Check whether the caller may make a request. Return the first refusal, or None if everything is allowed.

        The caller must also be allowed to use the resource's KMS key, and to pass (iam:PassRole) each role in the
        request.
        """
        refusal = self._decide(access_key_id, iam_action, service, region, resource_arn, service_context)
        if iam_action in self._key_actions and (key := self._key_of(iam_action, resource_arn)):
            through = {"kms:ViaService": f"{service}.{region}.amazonaws.com"}
            for action in self._key_actions[iam_action]:
                refusal = refusal or self._decide(access_key_id, action, "kms", region, key, through)
        for role, receiver in self._passed():
            to = {"iam:PassedToService": receiver}
            refusal = refusal or self._decide(access_key_id, "iam:PassRole", "iam", region, role, to)
        return refusal

    def _decide(self, key: str, action: str, service: str, region: str, resource: str, context: Any) -> Any:
        self._latest.statements = []
        refusal = self._enforce(key, action, service, region, resource_arn=resource, service_context=context)
        caller = (self._evaluator.resolve_caller_identity(key) or {}).get("userArn", "")
        if ":assumed-role/" in caller:
            statement = "" if refusal else next(iter(self._latest.statements), "")
            self._calls.add(caller, action, resource, DENIED if refusal else ALLOWED, statement)
        return refusal
