"""Reads the answers of AWS that a plan will need, in advance and in other threads. Changes nothing in AWS.

A plan needs about two answers for each stack. With this module, a plan does not wait for each answer in turn. While one
environment is planned, the answers about the next environments arrive.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.readers import Readers
from cicd_templates.deploy.change_sets.cloudformation_calls import deployed_body, describe_stacks
from cicd_templates.deploy.change_sets.ownership import list_change_sets
from cicd_templates.deploy.change_sets.unchanged import SETTLED
from cicd_templates.deploy.plans.survey import values_read_by
from cicd_templates.template.stack_template import StackTemplate

# Older answers are read again, for example if planning another environment took long.
LONGEST_AGE_SECONDS = 30.0
# If one of these parts of its description differs, a stack has been changed.
STATE = ("StackId", "StackStatus", "CreationTime", "LastUpdatedTime")


class Account(NamedTuple):
    """The descriptions of an account's stacks, keyed by name, and the values from Parameter Store, which come later.

    The values are read after the descriptions: the values of a stack that has the status of a finished deployment are
    those of this deployment, or newer.
    """

    stacks: dict[str, Mapping[str, Any]]
    values: Future[dict[str, str]]


class ReadAhead:
    """Calls AWS in other threads, before the plan of one environment needs the answers. `stacks` are to be planned.

    - `bodies` maps the name of a stack to its deployed template.
    - `change_sets` maps the name of a stack to the summaries of its change sets.

    A plan removes an answer when it uses the answer. If a call failed, the plan gets the error, and AWS is called again
    at the next attempt. `now` returns a time in seconds.
    """

    bodies: dict[str, Future[Any]]
    change_sets: dict[str, Future[list[Mapping[str, Any]]]]

    def __init__(
        self,
        readers: Readers,
        clients: Clients,
        stacks: Sequence[StackTemplate],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._readers, self._clients, self._stacks, self._now = readers, clients, stacks, now
        self.begin()

    def begin(self) -> None:
        """Begin to read all answers from AWS. Earlier answers are no longer used."""
        self._began = self._now()
        # A call that is still running from an earlier beginning fills the dictionaries of that beginning.
        self.bodies, self.change_sets = {}, {}
        self._account = self._readers.submit(functools.partial(self._read, self.bodies, self.change_sets))

    def refresh(self) -> None:
        """If the answers are older than `LONGEST_AGE_SECONDS`, discard them and begin to read new answers from AWS."""
        if self._now() - self._began > LONGEST_AGE_SECONDS:
            self.begin()

    def confirm(self) -> None:
        """Read the account's stacks and the values again, and discard the answers about stacks that have changed since.

        Call this once no other command can change the environment. Otherwise, a plan could use answers from before
        another command's change.
        """
        self._account = self._readers.submit(functools.partial(self._read_again, self._account))

    @property
    def existing(self) -> dict[str, Mapping[str, Any]]:
        """The descriptions of all stacks in the account, keyed by name, without deleted stacks."""
        try:
            return self._account.result().stacks
        except Exception:
            self.begin()
            raise

    @property
    def values(self) -> dict[str, str]:
        """The values of Parameter Store that deployments of the stacks need, keyed by path."""
        try:
            return self._account.result().values.result()
        except Exception:
            self.begin()
            raise

    def _read(self, bodies: dict[str, Future[Any]], change_sets: dict[str, Future[list[Mapping[str, Any]]]]) -> Account:
        """Read the account. Begin to read the templates and change sets of stacks that may be unchanged."""
        existing = describe_stacks(self._clients)
        values = self._read_values()
        for stack in self._stacks:
            described = existing.get(stack.name)
            # A stack that releases update is probably left to the pipeline.
            if described and described["StackStatus"] in SETTLED and not (stack.protected and stack.deployed_as):
                bodies[stack.name] = self._readers.submit(functools.partial(deployed_body, self._clients, stack.name))
                change_sets[stack.name] = self._readers.submit(
                    functools.partial(list_change_sets, self._clients, described["StackId"])
                )
        return Account(existing, values)

    def _read_again(self, earlier: Future[Account]) -> Account:
        before, now = earlier.result().stacks, describe_stacks(self._clients)
        for name in list(self.bodies):
            if _state(before[name]) != _state(now.get(name, {})):
                del self.bodies[name], self.change_sets[name]
        return Account(now, self._read_values())

    def _read_values(self) -> Future[dict[str, str]]:
        return self._readers.submit(functools.partial(values_read_by, self._clients, self._stacks))


def _state(described: Mapping[str, Any]) -> list[Any]:
    return [described.get(part) for part in STATE]
