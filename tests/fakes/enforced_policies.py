"""Clients that send a call only if given IAM policies allow the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from tests.fakes.iam_policies import SERVICES, allows, authorized

ATTRIBUTES = {service: name for name, (service, _) in SERVICES.items() if name != "client"}
# Nobody needs a permission for it.
FREE = frozenset({"sts:GetCallerIdentity"})


@dataclass
class Policies:
    """The policies of a principal in one account, the actions that it requested, and those that the policies denied.

    `stack` is the name of any stack of the environment. It is used for calls that name only a change set.
    """

    documents: Sequence[Mapping[str, Any]]
    account: str
    region: str
    stack: str
    asked: list[tuple[str, str]] = field(default_factory=list)
    denied: list[tuple[str, str]] = field(default_factory=list)

    def check(self, service: str, operation: str, request: dict[str, Any]) -> None:
        """Raise the error that AWS raises if the policies do not allow a call."""
        call = (ATTRIBUTES.get(service, service), xform_name(operation), request)
        for action, resource, context in authorized(call, self.region, self.account, self.stack):
            self.asked.append((action, resource))
            if action not in FREE and not allows(self.documents, action, resource, context):
                self.denied.append((action, resource))
                message = f"User is not authorized to perform: {action} on resource: {resource}"
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, operation)


class EnforcedClients(Clients):
    """Clients of the local AWS. `policies` must allow each of their calls."""

    def __init__(self, clients: Clients, policies: Policies) -> None:
        super().__init__(clients._session, clients.region, clients.endpoint_url)
        self._policies = policies

    def _client(self, service: str) -> Any:
        client = super()._client(service)

        def check(params: dict[str, Any], model: Any, **more: Any) -> None:
            self._policies.check(service, model.name, params)

        client.meta.events.register("provide-client-params", check)
        return client
