"""The lock of an environment: every machine sees it, one command holds it, and only its holder's id removes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.locking.environment_lock import EnvironmentLock
from cicd_templates.deploy.locking.holder import Holder, lock_parameter, parse_holder
from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.reporting.report import Event
from cicd_templates.deploy.runs import deployment
from cicd_templates.errors import CicdError, CredentialsError, DetachedError, RefusedError
from tests.fakes.rendered_stacks import rendered
from tests.fakes.simulated_aws import EPOCH, SimulatedAws, error

ROOT = "/shipping/staging/"
PARAMETER = "/shipping/staging/deployment-lock"
ME = "arn:aws:iam::222222222222:user/ada"


@pytest.fixture
def aws() -> SimulatedAws:
    return SimulatedAws()


def lock_on(aws: SimulatedAws, machine: Path) -> EnvironmentLock:
    clients: Any = aws
    return EnvironmentLock(
        clients,
        aws.clock.polling(),
        "staging",
        ROOT,
        machine,
        lambda holder: f"make unlock ENV=staging HOLDER={holder}",
    )


def hold(lock: EnvironmentLock) -> Any:
    return lock.held("deploy", ME, EPOCH)


def refused(lock: EnvironmentLock, kind: type[CicdError] = RefusedError) -> str:
    """Return the reason why a command may not begin."""
    with pytest.raises(kind) as refusal, hold(lock):
        pytest.fail("two commands work on one environment")
    return str(refusal.value)


def before(aws: SimulatedAws, operation: str, act: Callable[[], None]) -> None:
    """Call a function once, just before a call to AWS."""
    left = [True]

    def strike(called: str) -> None:
        if called == operation and left:
            left.clear()
            act()

    aws.faults.before = strike


def raising(what: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise what

    return act


def test_a_lock_says_who_holds_it_since_when_and_from_where_and_goes_with_its_command(
    aws: SimulatedAws, tmp_path: Path
) -> None:
    with hold(lock_on(aws, tmp_path)) as lock:
        holder = lock.holder()
        assert holder is not None
        assert json.loads(aws.values[PARAMETER])["id"] == holder.id
        words = str(holder)
        lock.require_held()

    assert words.startswith(f"{holder.id} (make deploy by {ME}, process ")
    assert f"on {holder.host}, since 2026-01-01 00:00:00 UTC, version " in words
    assert aws.values == {}


def test_another_machine_is_refused_with_the_holder_of_the_lock(aws: SimulatedAws, tmp_path: Path) -> None:
    with hold(lock_on(aws, tmp_path / "one")) as lock:
        holder = lock.holder()
        why = refused(lock_on(aws, tmp_path / "other"))
        assert lock.holder() == holder

    assert why.startswith(f"staging: locked by {holder}; wait until that command has ended")
    assert why.endswith(f"remove its lock: make unlock ENV=staging HOLDER={holder.id}")
    with hold(lock_on(aws, tmp_path / "other")):
        pass


def test_another_command_of_the_same_machine_is_refused_even_where_it_could_take_the_lock_over(
    aws: SimulatedAws, tmp_path: Path
) -> None:
    with hold(lock_on(aws, tmp_path)) as lock:
        holder = lock.holder()
        here = "staging: another command on this machine is working on this environment"
        assert refused(lock_on(aws, tmp_path)).startswith(f"{here}: {holder}; wait until that command ends")
        before(aws, "GetParameter", aws.values.clear)
        assert refused(lock_on(aws, tmp_path)).startswith(f"{here}; wait until that command ends")


ENDINGS: list[tuple[BaseException, bool]] = [
    (CicdError("failed"), False),
    (RefusedError("refused"), False),
    (ValueError("a bug"), False),
    (DetachedError("nothing is under way", under_way=False), False),
    (DetachedError("keys still under way"), True),
    (CredentialsError("sign in"), True),
]


@pytest.mark.parametrize(("ending", "stays"), ENDINGS, ids=[repr(ending) for ending, _ in ENDINGS])
def test_a_lock_stays_only_while_aws_continues_what_its_command_began(
    aws: SimulatedAws, tmp_path: Path, ending: BaseException, stays: bool
) -> None:
    with pytest.raises(type(ending)), hold(lock_on(aws, tmp_path)):
        raise ending

    assert (PARAMETER in aws.values) is stays
    if stays:
        assert "locked by" in refused(lock_on(aws, tmp_path / "other"))
    with hold(lock_on(aws, tmp_path)):
        pass
    assert aws.values == {}


def test_a_command_that_was_killed_is_resumed_by_its_own_machine_alone(aws: SimulatedAws, tmp_path: Path) -> None:
    killed = lock_on(aws, tmp_path / "one")
    held = hold(killed)
    held.__enter__()
    # The process ends: nothing is removed, and the operating system closes its files.
    killed._close()
    holder = killed.holder()

    with (
        pytest.raises(RefusedError, match=f"HOLDER={holder.id if holder else ''}$"),
        hold(lock_on(aws, tmp_path / "b")),
    ):
        pytest.fail("a lock was broken in silence")
    with hold(lock_on(aws, tmp_path / "one")) as resumed:
        assert resumed.holder() == holder
    assert aws.values == {}


def test_a_copied_file_of_state_takes_no_lock_over(aws: SimulatedAws, tmp_path: Path) -> None:
    lock = lock_on(aws, tmp_path)
    elsewhere = replace(Holder.here("deploy", ME, EPOCH), host="elsewhere")
    aws.values[PARAMETER] = elsewhere.to_json()
    (tmp_path / "staging.holder").write_text(elsewhere.id)

    assert "on elsewhere" in refused(lock)
    assert parse_holder(aws.values[PARAMETER]) == elsewhere


def test_a_lock_is_broken_by_the_name_of_its_holder_alone(aws: SimulatedAws, tmp_path: Path) -> None:
    lock = lock_on(aws, tmp_path)
    assert lock.break_by_name("") is None
    assert lock.break_by_name("abc") is None
    aws.values[PARAMETER] = Holder.here("deploy", ME, EPOCH).to_json()
    holder = lock.holder()
    assert holder is not None
    for wrong in ("", "abc", holder.host):
        with pytest.raises(RefusedError, match=f"^staging is locked by {holder.id} .* HOLDER={holder.id}$"):
            lock.break_by_name(wrong)

    assert lock.break_by_name(holder.id) == holder
    assert aws.values == {}


@pytest.mark.parametrize("value", ["", "[]", "{}", '{"id": "x"}', "somebody's"])
def test_what_this_program_did_not_write_locks_as_well(aws: SimulatedAws, tmp_path: Path, value: str) -> None:
    aws.values[PARAMETER] = value
    assert "an unknown machine" in refused(lock_on(aws, tmp_path))

    assert lock_on(aws, tmp_path).break_by_name(value)
    assert aws.values == {}


@pytest.mark.parametrize(("now", "words"), [("", "nobody"), ("other", "other .*")], ids=["by nobody", "by another"])
def test_a_command_whose_lock_was_broken_begins_nothing_more_and_removes_no_other_lock(
    aws: SimulatedAws, tmp_path: Path, now: str, words: str
) -> None:
    there = {PARAMETER: replace(Holder.here("deploy", ME, EPOCH), id=now).to_json()} if now else {}

    def work() -> None:
        with hold(lock_on(aws, tmp_path)) as lock:
            aws.values = dict(there)
            lock.require_held()

    with pytest.raises(
        DetachedError, match=f"of this run was removed, and {words} holds it now; this run starts no further operations"
    ):
        work()
    assert aws.values == there


def test_a_command_that_ends_well_removes_no_other_lock(aws: SimulatedAws, tmp_path: Path) -> None:
    other = {PARAMETER: replace(Holder.here("deploy", ME, EPOCH), id="other").to_json()}
    with hold(lock_on(aws, tmp_path)):
        aws.values = dict(other)

    assert aws.values == other


def test_a_read_that_lags_behind_breaks_no_lock(aws: SimulatedAws, tmp_path: Path) -> None:
    lock = lock_on(aws, tmp_path)
    with hold(lock):
        value = aws.values.pop(PARAMETER)
        lock.polling = Polling(2.0, lambda seconds: aws.values.update({PARAMETER: value}))
        lock.require_held()


def test_lost_answers_leave_no_lock_and_are_not_taken_for_another_holder(aws: SimulatedAws, tmp_path: Path) -> None:
    aws.faults.rate, aws.faults.kinds = 0.15, ("lost response", "throttled")
    for _ in range(30):
        with hold(lock_on(aws, tmp_path)) as lock:
            lock.require_held()
        assert aws.values == {}

    assert aws.faults.happened["lost response"] > 5


def test_a_lock_that_disappeared_before_its_removal_counts_as_removed(aws: SimulatedAws, tmp_path: Path) -> None:
    before(aws, "DeleteParameter", aws.values.clear)
    with hold(lock_on(aws, tmp_path)):
        pass

    assert aws.calls["DeleteParameter"] == 1


def test_a_lock_that_may_not_be_set_says_what_to_allow(aws: SimulatedAws, tmp_path: Path) -> None:
    before(aws, "PutParameter", raising(error("AccessDeniedException", "not authorized", "PutParameter")))
    why = refused(lock_on(aws, tmp_path), CicdError)

    assert "not authorized" in why
    assert why.endswith(f"ssm:DeleteParameter on {PARAMETER}, as `make deploy-policy` prints")


@pytest.mark.parametrize("operation", ["PutParameter", "GetParameter", "DeleteParameter"])
def test_an_unknown_refusal_is_passed_on(aws: SimulatedAws, tmp_path: Path, operation: str) -> None:
    before(aws, operation, raising(error("InternalThing", "x", operation)))
    with pytest.raises(ClientError, match="InternalThing"), hold(lock_on(aws, tmp_path)) as lock:
        lock.require_held()


@pytest.mark.parametrize("operation", ["PutParameter", "GetParameter", "DeleteParameter"])
def test_an_interrupt_at_the_lock_detaches(aws: SimulatedAws, tmp_path: Path, operation: str) -> None:
    before(aws, operation, raising(KeyboardInterrupt()))
    with pytest.raises(DetachedError, match="stopped between two steps"), hold(lock_on(aws, tmp_path)):
        pass

    with hold(lock_on(aws, tmp_path)):
        pass
    assert aws.values == {}


def test_a_failure_to_remove_the_lock_hides_no_failure_of_the_command(aws: SimulatedAws, tmp_path: Path) -> None:
    before(aws, "DeleteParameter", raising(CredentialsError("sign in")))
    with pytest.raises(RefusedError, match="the reason"), hold(lock_on(aws, tmp_path)):
        raise RefusedError("the reason")

    assert PARAMETER in aws.values


def test_a_lock_that_went_just_before_it_was_read_is_another_command_that_ended(
    aws: SimulatedAws, tmp_path: Path
) -> None:
    aws.values[PARAMETER] = Holder.here("deploy", ME, EPOCH).to_json()
    before(aws, "GetParameter", aws.values.clear)

    why = refused(lock_on(aws, tmp_path))
    assert why == "staging: another command has only just released the lock; run this command again"


def test_no_published_value_has_the_name_of_the_lock() -> None:
    assert lock_parameter(ROOT) == PARAMETER
    assert PARAMETER.count("/") == 3


# Deployments.


class Silent:
    def report(self, event: Event) -> None:
        pass


def context_on(aws: SimulatedAws, machine: Path) -> Any:
    from cicd_templates.deploy.plans.propose import DeployContext

    clients: Any = aws
    return DeployContext(clients, aws.clock.polling(), machine, ME, today=aws.clock.today)


STACK = rendered("keys", publishes={"/shipping/staging/keys/KeyArn": "key-1"})
OTHER = rendered("network", publishes={"/shipping/staging/network/VpcId": "vpc-1"})


def test_two_machines_never_deploy_one_environment_at_a_time(aws: SimulatedAws, tmp_path: Path) -> None:
    refusals: list[str] = []

    def deploy_elsewhere(question: str) -> bool:
        with pytest.raises(RefusedError) as refused:
            deployment.deploy(context_on(aws, tmp_path / "b"), [OTHER], Silent(), lambda question: True)
        refusals.append(str(refused.value))
        # Looking and planning need no lock.
        deployment.plan(context_on(aws, tmp_path / "b"), [OTHER], Silent())
        return True

    deployment.deploy(context_on(aws, tmp_path / "a"), [STACK], Silent(), deploy_elsewhere)

    assert [each.stack.name for each in aws.executed] == [STACK.name]
    assert refusals[0].startswith("staging: locked by ")
    made = plans.read(tmp_path / "b/plans/staging.json")
    deployment.execute_plan(
        context_on(aws, tmp_path / "b"), made, tmp_path / "b/plans/staging.json", [STACK, OTHER], Silent()
    )
    assert [each.stack.name for each in aws.executed] == [STACK.name, OTHER.name]
    assert PARAMETER not in aws.values


def test_a_deployment_whose_lock_was_removed_executes_nothing_more(aws: SimulatedAws, tmp_path: Path) -> None:
    def unlocked(question: str) -> bool:
        del aws.values[PARAMETER]
        return True

    with pytest.raises(DetachedError, match=r"removed, and nobody holds it now; .*nothing is under"):
        deployment.deploy(context_on(aws, tmp_path), [STACK], Silent(), unlocked)

    assert aws.executed == []


def test_a_stopped_deployment_keeps_the_lock_until_its_machine_has_ended_it(aws: SimulatedAws, tmp_path: Path) -> None:
    before(aws, "DescribeStackEvents", raising(KeyboardInterrupt()))
    with pytest.raises(DetachedError, match="still under way"):
        deployment.deploy(context_on(aws, tmp_path / "a"), [STACK], Silent(), lambda question: True)
    aws.settle()

    with pytest.raises(RefusedError, match="locked by"):
        deployment.deploy(context_on(aws, tmp_path / "b"), [STACK], Silent(), lambda question: True)
    deployment.deploy(context_on(aws, tmp_path / "a"), [STACK], Silent(), lambda question: True)
    assert (len(aws.executed), PARAMETER in aws.values) == (1, False)
