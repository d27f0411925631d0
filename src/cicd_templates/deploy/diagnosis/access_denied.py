"""Parses the messages with which IAM and KMS deny access. The details are only in the text of a message.

This module does not call AWS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# How AWS words a refusal:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_REFUSAL = re.compile(
    r"(?:User: )?(?P<principal>arn:[^\s,]+) is not authorized to perform: (?P<action>[\w-]+:\w+)"
    r"(?: on (?:the )?resource: (?P<resource>(?:(?:role|user|group|policy) )?[^\s\"]+))?"
    r"(?: (?:because|with) (?P<why>[^(\"\n]+))?"
)
_ENCODED = re.compile(r"Encoded authorization failure message: (?P<text>[\w-]{20,})")
# The words with which AWS gives the reason for a refusal, and the remedy for each.
_REMEDIES = (
    (
        "service control policy",
        "a service control policy forbids the action; only an administrator of the organisation can allow it",
    ),
    (
        "resource control policy",
        "a resource control policy forbids the action; only an administrator of the organisation can allow it",
    ),
    ("permissions boundary", "the principal's permissions boundary does not allow the action; extend the boundary"),
    ("session policy", "the policy of the session does not allow the action; start a session without this policy"),
    ("VPC endpoint policy", "the policy of the VPC endpoint does not allow the action; extend that policy"),
    (
        "explicit deny",
        "a policy explicitly denies the action; to allow it, first remove the statement that denies it",
    ),
    ("resource-based policy", "allow the action in the policy of the resource itself"),
    ("identity-based policy", "allow the action in a policy of the principal"),
)


@dataclass(frozen=True)
class Denial:
    """An action that IAM or KMS did not allow a principal to perform.

    `resource` is empty if the message does not name the resource. `remedy` says how to allow the action.
    """

    principal: str
    action: str
    resource: str
    remedy: str

    @property
    def fact(self) -> str:
        """Return a line with the denied action, the principal and the resource."""
        where = f" on {self.resource}" if self.resource else ""
        return f"{self.principal} may not {self.action}{where}"


def parse_denial(message: str) -> Denial | None:
    """Return the denied access that `message` reports, or None for any other message."""
    denial = _REFUSAL.search(message)
    if denial is None:
        return None
    why = denial["why"] or ""
    remedy = next(
        (text for words, text in _REMEDIES if words in why),
        "allow the action in a policy of the principal and, for a key or bucket, also in the resource's own policy",
    )
    return Denial(denial["principal"], denial["action"], (denial["resource"] or "").rstrip(".,;"), remedy)


def decode_command(message: str) -> str:
    """Return the AWS CLI command that shows why EC2 denied a call.

    The error's message, `message`, contains the reason in an encoded form. The command decodes the reason. If `message`
    contains no encoded reason, return an empty string.
    """
    found = _ENCODED.search(message)
    return f"aws sts decode-authorization-message --encoded-message {found['text']}" if found else ""
