"""IAM statements: every grant, denial and trust policy of every template is made here, with awacs.

awacs alone is not enough: it silently keeps the last of two conditions with one operator, renders a policy without
statements or version, and takes any string for an action. Here actions are awacs constants, conditions are merged, an
allowed action is never a pattern, and a `*` resource says which API has no resource level.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
from cicd_templates.config.purposes import EXECUTION
from cicd_templates.template.reasons import every_resource_reason

Resource = AWSHelperFn | str
EVERY_RESOURCE = "*"
# Services whose documentation has the source keys in the trust policy of a role that they assume.
SERVICES_WITH_SOURCE_KEYS = frozenset({"codebuild", "codepipeline", "ecs-tasks", "events", "vpc-flow-logs"})


@dataclass(frozen=True)
class Grant:
    """A statement, and where it has to name every resource, the reason."""

    statement: Statement
    because: str = ""

    @property
    def reason(self) -> str:
        """The reason as a sentence for the reader of the template; empty where none is needed."""
        return every_resource_reason(self.statement.Sid, self.because) if self.because else ""


def allow(
    sid: str,
    actions: Sequence[Action],
    *,
    on: Resource | Sequence[Resource],
    to: Principal | None = None,
    when: Sequence[ConditionElement] = (),
    because: str = "",
) -> Grant:
    """Return a grant of `actions` on `on`, to `to` in resource policies only; all conditions of `when` must hold.

    `because` names the API that has no resource level: demanded for `*` in a role's policy, refused elsewhere. In a
    resource policy `*` is the resource that the policy is attached to, and `on=[]` leaves it out, as ECR wants it.
    Raises `ValueError` where that is not kept, for a pattern among the actions, and for contradicting conditions.
    """
    resources = _resource_list(on)
    if not resources and to is None:
        raise ValueError(f"{sid}: a role's policy names its resources")
    everything = EVERY_RESOURCE in resources and to is None
    if everything != bool(because):
        raise ValueError(f"{sid}: `because` goes with the resource *, and with no other")
    for action in actions:
        if action.action is None or "*" in action.action:
            raise ValueError(f"{sid}: {action.JSONrepr()} is a pattern; name each action")
    return Grant(_statement(Allow, sid, actions, resources, to, when), because)


def deny(
    sid: str,
    actions: Sequence[Action],
    *,
    on: Resource | Sequence[Resource],
    to: Principal | None = None,
    when: Sequence[ConditionElement] = (),
) -> Grant:
    """Return a denial of `actions`, which may be patterns here: a denial that covers more is safer."""
    return Grant(_statement(Deny, sid, actions, _resource_list(on), to, when))


def trust(service: str, env: Environment, *, when: Sequence[ConditionElement] = ()) -> PolicyDocument:
    """Return the trust policy of a role that one AWS service assumes, for its work in this account only.

    `service` is the name before `.amazonaws.com`. The condition keeps another customer's resource from borrowing the
    role: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    Of a service that is not known to say for whom it acts it is asked only where it does, since it could not assume the
    role otherwise; that a role is passed within its own account only, by `iam:PassRole`, is what protects it then.
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


def trust_role(role: Resource) -> PolicyDocument:
    """Return the trust policy of a role that only one role of the same account assumes."""
    return document(
        [Grant(Statement(Sid="LetTheRoleAssume", Effect=Allow, Principal=AWSPrincipal(role), Action=[AssumeRole]))]
    )


def trust_roles_of(account: str, roles: Sequence[Resource]) -> PolicyDocument:
    """Return the trust policy of a role that `roles` of another account assume.

    A role that does not exist yet cannot be a principal, so the account is, and the condition names the roles:
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


def trust_web_identity(provider: Resource, *, when: Sequence[ConditionElement]) -> PolicyDocument:
    """Return the trust policy of a role for holders of an OpenID Connect provider's tokens, narrowed by `when`."""
    statement = Statement(
        Sid="LetTheTokenAssumeTheRole",
        Effect=Allow,
        Principal=Principal("Federated", provider),
        Action=[AssumeRoleWithWebIdentity],
        Condition=_condition("trust of a web identity", when),
    )
    return document([Grant(statement)])


def account_principal(*accounts: str) -> AWSPrincipal:
    """Return the accounts as principals; each must still allow the action to its roles, which conditions name."""
    arns = [Sub(f"arn:${{AWS::Partition}}:iam::{account}:root") for account in sorted(set(accounts))]
    return AWSPrincipal(arns[0] if len(arns) == 1 else arns)


def delivery_role_conditions(*environments: Environment) -> list[ConditionElement]:
    """Return the conditions that match the delivery roles of `environments`, but not their execution roles."""
    return [
        ArnLike({"aws:PrincipalArn": [Sub(delivery_roles(env)) for env in environments]}),
        ArnNotLike({"aws:PrincipalArn": [Sub(delivery_roles(env, f"{EXECUTION}-*")) for env in environments]}),
    ]


def document(grants: Iterable[Grant]) -> PolicyDocument:
    """Return the policy of `grants`. Raises `ValueError` where there are none, or two share a Sid."""
    statements = [grant.statement for grant in grants]
    sids = [statement.Sid for statement in statements]
    if not statements or len(set(sids)) < len(sids):
        raise ValueError(f"a policy needs statements with distinct Sids, not {sids}")
    return PolicyDocument(Version="2012-10-17", Statement=statements)


def reasons(grants: Iterable[Grant]) -> list[str]:
    """Return why some of `grants` name every resource, one sentence each."""
    return [grant.reason for grant in grants if grant.reason]


def _resource_list(on: Resource | Sequence[Resource]) -> list[Resource]:
    return [on] if isinstance(on, str | AWSHelperFn) else list(on)


def _statement(
    effect: str,
    sid: str,
    actions: Sequence[Action],
    resources: list[Resource],
    to: Principal | None,
    when: Sequence[ConditionElement],
) -> Statement:
    if not sid.isalnum():
        raise ValueError(f"{sid!r}: IAM takes letters and digits only in a Sid")
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
                raise ValueError(f"{where}: {element.condition} is given twice for {', '.join(clash)}")
            keys = before.get_dict() | keys
        merged[element.condition] = type(element)(keys)
    return Condition(list(merged.values()))
