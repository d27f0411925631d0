"""Creates all IAM statements and trust policies of all templates with the library awacs.

This module is stricter than awacs:

- Conditions with the same operator are merged. awacs would silently keep only the last one.
- An action must be a constant of awacs. awacs would accept any string.
- A policy must have a statement. This module also sets the version of the policy.
- No statement may allow a pattern such as `s3:Get*`.
- A statement that allows an action on the resource `*` must give the reason: the name of an API operation that does
  not support resource-level permissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from awacs.aws import (
    Action,
    Allow,
    ArnEquals,
    ArnLike,
    ArnNotLike,
    AWSPrincipal,
    Condition,
    ConditionElement,
    Deny,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
    StringEqualsIfExists,
)
from awacs.sts import AssumeRole, AssumeRoleWithWebIdentity
from troposphere import AWSHelperFn, Sub

from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import delivery_roles, title
from cicd_templates.config.reserved_words import EXECUTION
from cicd_templates.layer.outputs import Arn, BucketName, Value
from cicd_templates.template.reasons import every_resource_reason

ResourceArn = AWSHelperFn | str
_RESOURCE_ARNS = (AWSHelperFn, str)
EVERY_RESOURCE = "*"
# For these services, AWS's documentation uses the condition keys `aws:SourceAccount` and `aws:SourceArn` in the trust
# policy of a role that the service assumes.
SERVICES_WITH_SOURCE_KEYS = frozenset({"codebuild", "ecs-tasks", "events", "scheduler", "vpc-flow-logs"})


class Grant(NamedTuple):
    """An IAM statement. `because` says why a role's statement has the resource `*`, and is otherwise empty."""

    statement: Statement
    because: str = ""

    @property
    def reason(self) -> str:
        """A sentence for the template: why the statement applies to all resources. Empty if `because` is empty."""
        return every_resource_reason(self.statement.Sid, self.because) if self.because else ""


def allow(
    sid: str,
    actions: Sequence[Action],
    *,
    on: ResourceArn | Sequence[ResourceArn],
    to: Principal | None = None,
    when: Sequence[ConditionElement] = (),
    because: str = "",
) -> Grant:
    """Return a statement that allows `actions` on the resources in `on` if all conditions in `when` hold.

    - If `to` is a principal, the statement is for a resource policy. The resource `*` then means the resource to which
      the policy is attached. `on=[]` omits the Resource element, as ECR requires.
    - If `to` is None, the statement is for a role's policy. The resource `*` then means all resources, and needs a
      reason: `because` must name an API operation that does not support resource-level permissions.

    Raises `ValueError` in these cases:

    - A role's policy has the resource `*`, but `because` is empty.
    - `because` is set, but the statement has no resource `*` or is for a resource policy.
    - An action is a pattern.
    - A resource is a name instead of an ARN.
    - Two conditions in `when` have the same operator and the same key.
    """
    resources = _resource_list(sid, on)
    if not resources and to is None:
        raise ValueError(f"{sid}: a statement in a role's policy needs a resource")
    everything = EVERY_RESOURCE in resources and to is None
    if everything != bool(because):
        raise ValueError(f"{sid}: set `because` if a role's policy has the resource *, and in no other case")
    for action in actions:
        if action.action is None or "*" in action.action:
            raise ValueError(f"{sid}: {action.JSONrepr()} is a pattern; list each action by its name")
    return Grant(_statement(Allow, sid, actions, resources, to, when), because)


def deny(
    sid: str,
    actions: Sequence[Action],
    *,
    on: ResourceArn | Sequence[ResourceArn],
    to: Principal | None = None,
    when: Sequence[ConditionElement] = (),
) -> Grant:
    """Return a statement that denies `actions`. Patterns are allowed as actions, because it is safe to deny too much.

    Raises `ValueError` if a resource is a name instead of an ARN. Also raises `ValueError` if two conditions in `when`
    have the same operator and the same key.
    """
    return Grant(_statement(Deny, sid, actions, _resource_list(sid, on), to, when))


def trust(service: str, env: Environment, *, when: Sequence[ConditionElement] = ()) -> PolicyDocument:
    """Return the trust policy of a role that one AWS service may assume, but only on behalf of this account.

    `service` is the name before `.amazonaws.com`. A condition on the key `aws:SourceAccount` prevents other AWS
    customers from using the role through the service:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html

    - If AWS documents that the service sends this key, a request without the key is denied.
    - For any other service, a request without the key is allowed. This is safe, because only a caller in the role's own
      account can pass the role to a service (`iam:PassRole`).
    """
    has_source_keys = service in SERVICES_WITH_SOURCE_KEYS
    condition = StringEquals if has_source_keys else StringEqualsIfExists
    account = condition({"aws:SourceAccount": env.account})
    grant = Grant(
        Statement(
            Sid=f"Let{title(service)}AssumeTheRole",
            Effect=Allow,
            Principal=Principal("Service", f"{service}.amazonaws.com"),
            Action=[AssumeRole],
            Condition=_condition(f"trust of {service}", [account, *when]),
        )
    )
    return document([grant])


def trust_role(role: ResourceArn) -> PolicyDocument:
    """Return a trust policy for a role that only `role`, another role in the same account, may assume."""
    return document(
        [Grant(Statement(Sid="LetTheRoleAssume", Effect=Allow, Principal=AWSPrincipal(role), Action=[AssumeRole]))]
    )


def trust_roles_of(account: str, roles: Sequence[ResourceArn]) -> PolicyDocument:
    """Return a trust policy that lets `roles` of another account assume a role.

    IAM refuses a principal that does not exist yet. So the principal is the account, and a condition admits only these
    roles:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    named = ArnEquals({"aws:PrincipalArn": list(roles)})
    return document(
        [
            Grant(
                Statement(
                    Sid="LetTheRolesAssume",
                    Effect=Allow,
                    Principal=account_principal(account),
                    Action=[AssumeRole],
                    Condition=_condition("trust of another account", [named]),
                )
            )
        ]
    )


def trust_web_identity(provider: ResourceArn, *, when: Sequence[ConditionElement]) -> PolicyDocument:
    """Return the trust policy of a role for callers with a token from an OpenID Connect provider.

    The conditions in `when` limit which tokens are accepted.
    """
    statement = Statement(
        Sid="LetTheTokenAssumeTheRole",
        Effect=Allow,
        Principal=Principal("Federated", provider),
        Action=[AssumeRoleWithWebIdentity],
        Condition=_condition("trust of a web identity", when),
    )
    return document([Grant(statement)])


def account_principal(*accounts: str) -> AWSPrincipal:
    """Return a principal that stands for all roles and users of `accounts`.

    This principal alone gives no access: IAM policies in each account must allow the action, too. To limit access to
    particular roles, add conditions to the statement.
    """
    arns = [Sub(f"arn:${{AWS::Partition}}:iam::{account}:root") for account in sorted(set(accounts))]
    return AWSPrincipal(arns[0] if len(arns) == 1 else arns)


def delivery_role_conditions(*environments: Environment) -> list[ConditionElement]:
    """Return conditions that match the delivery roles of `environments`, but not the execution roles.

    The pipeline deploys with a delivery role, which passes an execution role to CloudFormation.
    """
    return [
        ArnLike({"aws:PrincipalArn": [Sub(delivery_roles(env)) for env in environments]}),
        ArnNotLike({"aws:PrincipalArn": [Sub(delivery_roles(env, f"{EXECUTION}-*")) for env in environments]}),
    ]


def document(grants: Iterable[Grant]) -> PolicyDocument:
    """Return a policy with the statements of `grants`.

    Raises `ValueError` if there are no statements, or if two statements have the same Sid.
    """
    statements = [grant.statement for grant in grants]
    sids = [statement.Sid for statement in statements]
    if not statements or len(set(sids)) < len(sids):
        raise ValueError(
            f"a policy must have at least one statement, and different Sids; the Sids of this policy are {sids}"
        )
    return PolicyDocument(Version="2012-10-17", Statement=statements)


def reasons(grants: Iterable[Grant]) -> list[str]:
    """Return, for each grant whose resource is `*`, the sentence that says why the grant needs `*`."""
    return [grant.reason for grant in grants if grant.reason]


def _resource_list(sid: str, on: ResourceArn | Sequence[ResourceArn]) -> list[ResourceArn]:
    """Return the resources as a list. Raises `ValueError` if one of them cannot be an ARN."""
    resources = [on] if isinstance(on, _RESOURCE_ARNS) else list(on)
    for resource in resources:
        if isinstance(resource, Value) and not isinstance(resource, Arn):
            raise ValueError(
                f"{sid}: `on` needs an ARN, but a {type(resource).__name__} is not an ARN;{_remedy(resource)}"
            )
        if isinstance(resource, str) and resource != EVERY_RESOURCE and not resource.startswith("arn:"):
            raise ValueError(f"{sid}: {resource!r} is not an ARN; begin it with arn:, or write *")
    return resources


def _remedy(name: Value) -> str:
    if isinstance(name, BucketName):
        return " use the grants in cicd_templates.blocks.bucket_access, such as may_put"
    return " publish the ARN of the resource, and read it here"


def _statement(
    effect: str,
    sid: str,
    actions: Sequence[Action],
    resources: list[ResourceArn],
    to: Principal | None,
    when: Sequence[ConditionElement],
) -> Statement:
    if not sid.isalnum():
        raise ValueError(f"{sid!r}: a Sid may contain only letters and digits")
    statement = Statement(Sid=sid, Effect=effect, Action=list(actions))
    if resources:
        statement.Resource = resources
    if to is not None:
        statement.Principal = to
    if when:
        statement.Condition = _condition(sid, when)
    return statement


def _condition(where: str, elements: Sequence[ConditionElement]) -> Condition:
    merged: dict[str, ConditionElement] = {}
    for element in elements:
        before = merged.get(element.condition)
        keys = element.get_dict()
        if before is not None:
            if clash := sorted(before.get_dict().keys() & keys.keys()):
                raise ValueError(
                    f"{where}: the condition operator {element.condition} has the key {', '.join(clash)} twice"
                )
            keys = before.get_dict() | keys
        merged[element.condition] = type(element)(keys)
    return Condition(list(merged.values()))
