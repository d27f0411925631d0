"""Lists who can access an environment: external principals that may assume its roles, and people who may release."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from cicd_templates.review.merged_rows import MergedRows
from cicd_templates.review.principals import Kind, is_outside
from cicd_templates.review.reviewed_stacks import ReviewedStack
from cicd_templates.review.statements import OWN_MARK, own_stem
from cicd_templates.template.intrinsics import values_at

_LITERAL_PREFIX = re.compile(r"[^*?\[]*")

# What a person or a role can do with a release, and the IAM actions that allow it.
_RELEASE_ACTIONS = {
    "approve": ("codepipeline:PutApprovalResult",),
    "start, retry or roll back an execution": (
        "codepipeline:StartPipelineExecution",
        "codepipeline:RetryStageExecution",
        "codepipeline:RollbackStage",
    ),
    "override a stage condition": ("codepipeline:OverrideStageCondition",),
    "change the pipeline": ("codepipeline:UpdatePipeline",),
}


class _Trust(NamedTuple):
    """A statement in a role's trust policy.

    - `is_outside` is true if a principal is outside the role's account.
    - `names` has the name of each principal that is a role, user or session. Other principals, such as accounts, have
      an empty text. AWS services, and resources and parameters of the same template, are left out.
    - `account` is the role's account.
    - `text` describes the statement.
    - `service` is the service to which the role belongs, or None.
    """

    is_outside: bool
    names: tuple[str, ...]
    account: str
    text: str
    service: str | None


class Access(NamedTuple):
    """Who can access each environment and who may release, as lines of text.

    - `runtimes` says for each runtime environment whether it is protected.
    - `from_outside` lists, for each runtime environment, the roles that principals from outside may assume.
    """

    runtimes: Mapping[str, bool]
    from_outside: Mapping[str, list[str]]
    release_permissions: list[str]

    def reviewed_environments(self, environment: str) -> list[str]:
        """Return the names of the environments whose external access is listed on the review page of `environment`.

        - The page of a runtime environment lists only its own access.
        - The page of a tools environment lists the access of the protected runtime environments. If no environment is
          protected, it lists the access of all runtime environments.
        """
        if environment in self.runtimes:
            return [environment]
        protected = [name for name, is_protected in self.runtimes.items() if is_protected]
        return protected or list(self.runtimes)


class AccessReview:
    """Collects, stack by stack, who can access each environment and who may release."""

    def __init__(self) -> None:
        # Whether each runtime environment is protected.
        self._runtimes: dict[str, bool] = {}
        self._accounts: dict[str, set[str]] = {}
        self._role_names: dict[str, set[str]] = {}
        self._trusts: dict[str, list[_Trust]] = {}
        self._services: dict[str, None] = {}
        self._releasers = {ability: MergedRows() for ability in _RELEASE_ACTIONS}
        self._writers: list[tuple[str | None, str, tuple[str, ...]]] = []
        self._sources: list[str] = []

    def add(self, stack: ReviewedStack) -> None:
        """Add the trust policies and the release permissions of a stack."""
        template = stack.template
        if template.service:
            self._services[template.service] = None
        self._accounts.setdefault(template.environment, set()).add(template.account)
        self._role_names.setdefault(template.environment, set()).update(_role_names(stack))
        self._trusts.setdefault(template.environment, []).extend(_trusts(stack))
        if template.facts.kind == "runtime":
            self._runtimes[template.environment] = template.facts.protected
        else:
            self._sources += _sources(stack)
            self._add_releasers(stack)

    def extend(self, other: AccessReview) -> None:
        """Add the contents of `other`, whose stacks are deployed after the stacks of this review."""
        self._runtimes |= other._runtimes
        self._services |= other._services
        for environment, accounts in other._accounts.items():
            self._accounts.setdefault(environment, set()).update(accounts)
            self._role_names.setdefault(environment, set()).update(other._role_names[environment])
            self._trusts.setdefault(environment, []).extend(other._trusts[environment])
        for ability, rows in other._releasers.items():
            self._releasers[ability].extend(rows)
        self._writers += other._writers
        self._sources += other._sources

    def to_plain(self) -> dict[str, Any]:
        """Return the contents as a value that JSON can represent; see `extend_plain`."""
        return {
            "runtimes": self._runtimes,
            "accounts": {environment: sorted(accounts) for environment, accounts in self._accounts.items()},
            "role_names": {environment: sorted(names) for environment, names in self._role_names.items()},
            "trusts": self._trusts,
            "services": list(self._services),
            "releasers": {ability: rows.to_plain() for ability, rows in self._releasers.items()},
            "writers": self._writers,
            "sources": self._sources,
        }

    def extend_plain(self, plain: Mapping[str, Any]) -> None:
        """Add the contents of another review. `plain` is what that review's `to_plain` returned; see `extend`."""
        self._runtimes |= plain["runtimes"]
        self._services |= dict.fromkeys(plain["services"])
        for environment, accounts in plain["accounts"].items():
            self._accounts.setdefault(environment, set()).update(accounts)
            self._role_names.setdefault(environment, set()).update(plain["role_names"][environment])
            self._trusts.setdefault(environment, []).extend(
                _Trust(is_outside, tuple(names), *rest) for is_outside, names, *rest in plain["trusts"][environment]
            )
        for ability, rows in plain["releasers"].items():
            self._releasers[ability].extend_plain(rows)
        self._writers += ((service, holder, tuple(texts)) for service, holder, texts in plain["writers"])
        self._sources += plain["sources"]

    def _add_releasers(self, stack: ReviewedStack) -> None:
        service = stack.template.service
        holders: dict[str, dict[str, None]] = {ability: {} for ability in _RELEASE_ACTIONS}
        for statement in stack.statements:
            if statement.effect != "Allow":
                continue
            holder = f"{stack.template.label}.{statement.holder}"
            for ability, actions in _RELEASE_ACTIONS.items():
                if statement.covers(*actions):
                    holders[ability][holder] = None
            if statement.covers("s3:PutObject"):
                # A statement with `NotResource` can be about a source, so it counts as one about all resources.
                patterns = ("*",) if "Resource" in statement.negated else statement.resource_texts
                self._writers.append((service, holder, patterns))
        for ability, rows in self._releasers.items():
            rows.add(service, ((holder,) for holder in holders[ability]))

    def results(self) -> Access:
        """Return who can access each environment and who may release, for the review pages."""
        from_outside = {name: self.external_access(name) for name in self._runtimes}
        return Access(self._runtimes, from_outside, self.release_permissions())

    def external_access(self, environment: str) -> list[str]:
        """Return the roles of `environment` that principals outside the environment may assume.

        If another environment shares the account, the roles of the other environment are outside principals. So a role
        of `environment` that trusts the whole account is returned, too.
        """
        own_roles = self._role_names[environment]
        other_accounts = {
            account for name, accounts in self._accounts.items() if name != environment for account in accounts
        }
        found = (
            (trust.service, trust.text)
            for trust in self._trusts[environment]
            if trust.is_outside
            # An empty name is never the name of a role.
            or (trust.account in other_accounts and any(name not in own_roles for name in trust.names))
        )
        return self._merged(found)

    def _merged(self, texts: Iterable[tuple[str | None, str]]) -> list[str]:
        """Return `texts`. If texts differ only in a service's name, merge them into one text with a placeholder."""
        rows = MergedRows()
        for name in self._services:
            rows.add(name, ())
        for service, text in dict.fromkeys(texts):
            rows.add(service, [(text,)])
        return rows.texts()

    def release_permissions(self) -> list[str]:
        """Return one line per permission to approve, start or upload releases, with the policies that grant it."""
        texts = [f"{ability}: {', '.join(rows.texts()) or 'nobody'}" for ability, rows in self._releasers.items()]
        if self._sources:
            sources = sorted(self._sources)
            holders = self._merged(
                (service, holder)
                for service, holder, patterns in self._writers
                if any(matches_any(pattern, sources) for pattern in patterns)
            )
            texts.append(f"upload a release: {', '.join(holders) or 'nobody'}")
        return texts


def _trusts(stack: ReviewedStack) -> Iterator[_Trust]:
    for statement in stack.statements:
        if statement.is_trust and statement.effect == "Allow":
            principals = tuple(
                principal for principal in statement.principals if principal.kind not in (Kind.OWN, Kind.SERVICE)
            )
            if principals:
                condition = statement.condition.replace(OWN_MARK, own_stem(statement.holder))
                where = f" where {condition}" if condition else ""
                text = f"{statement.principals_text} as {stack.template.label}.{statement.holder}{where}"
                account = stack.template.account
                yield _Trust(
                    any(is_outside(principal, account) for principal in principals),
                    tuple(principal.name for principal in principals),
                    account,
                    text,
                    stack.template.service,
                )


def _role_names(stack: ReviewedStack) -> Iterator[str]:
    for resource in stack.template.resources.values():
        if resource["Type"] == "AWS::IAM::Role":
            yield str(resource.get("Properties", {}).get("RoleName"))


def matches_any(pattern: str, texts: Sequence[str]) -> bool:
    """Return whether `pattern` matches one of `texts`, with the syntax of `fnmatch`. `texts` must be sorted.

    Only texts that begin with the pattern's literal prefix are compared, because a comparison of every pattern with
    every text would be slow.
    """
    prefix = _LITERAL_PREFIX.match(pattern)[0]  # type: ignore[index] # matches the empty text as well
    rest = pattern[len(prefix) :]
    index = bisect.bisect_left(texts, prefix)
    # Nearly all patterns are a text or end in their only asterisk. Compiling a pattern takes much longer than this.
    if not rest:
        return prefix in texts[index : index + 1]
    while index < len(texts) and texts[index].startswith(prefix):
        if rest == "*" or fnmatchcase(texts[index], pattern):
            return True
        index += 1
    return False


def _sources(stack: ReviewedStack) -> Iterator[str]:
    """Yield the S3 objects that start a stack's pipelines, as `bucket/key`, with each name of the bucket."""
    for resource in stack.template.resources.values():
        if resource["Type"] != "AWS::CodePipeline::Pipeline":
            continue
        for settings in values_at(resource["Properties"], "Stages", "Actions", "Configuration"):
            if isinstance(settings, dict) and {"S3Bucket", "S3ObjectKey"} <= settings.keys():
                bucket, key = map(stack.formatter.format, (settings["S3Bucket"], settings["S3ObjectKey"]))
                # A pattern in a policy can match the name of the bucket, but not the reference that a review shows.
                yield from (f"{name}/{key}" for name in (bucket, *stack.formatter.bucket_names(bucket)))
