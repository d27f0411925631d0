"""The corrected answers of the engine's CloudFormation: stacks in review, parameter values, events and refusals."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.local import recorded_answers
from cicd_templates.local.recorded_answers import (
    LOG_GROUP,
    STACK_TYPE,
    Events,
    ReviewedStacks,
    describe_values,
    leave_out_by_condition,
    refuse_existing_log_groups,
    refuse_templates,
)

OLD, NEW = "arn:stack/keys/old", "arn:stack/keys/new"
TAGS = [{"Key": "Project", "Value": "shipping"}]


class Engine:
    """The engine's stacks, and a CreateChangeSet that makes a new stack of the name each time or refuses."""

    def __init__(self, *, refuses: bool = False, status: str = "REVIEW_IN_PROGRESS") -> None:
        self._stacks: dict[str, Any] = {}
        self._stack_events: dict[str, list[Any]] = {}
        self._change_sets: dict[str, Any] = {}
        self._ACTION_HANDLERS: dict[str, Any] = {}
        self.refuses, self.status = refuses, status

    def create(self, params: Any) -> Any:
        if self.refuses:
            self._stacks.pop("keys", None)
            self._stack_events.pop(NEW, None)
            return 400, {}, b"refused"
        stack = {"StackId": NEW, "StackStatus": self.status, "Tags": TAGS, "StackStatusReason": "", "CreationTime": 2}
        self._stacks["keys"], self._stack_events[NEW] = stack, ["new"]
        self._change_sets["arn"] = {"StackId": NEW}
        return 200, {}, f"<StackId>{NEW}</StackId>".encode()

    def in_review(self) -> None:
        self._stacks["keys"] = {"StackId": OLD, "StackStatus": "REVIEW_IN_PROGRESS", "CreationTime": 1}
        self._stack_events[OLD] = ["old"]
        self._change_sets["other"] = {"StackId": "arn:stack/other"}

    def asked(self) -> Any:
        return ReviewedStacks(self).create_change_set(self.create)({"StackName": ["keys"]})


def test_a_stack_in_review_has_no_tags_and_was_initiated_by_the_user() -> None:
    engine = Engine()
    engine.asked()

    assert (engine._stacks["keys"]["Tags"], engine._stacks["keys"]["StackStatusReason"]) == ([], "User Initiated")


def test_a_change_set_of_a_deployed_stack_leaves_its_tags() -> None:
    engine = Engine(status="CREATE_COMPLETE")
    engine.asked()

    assert engine._stacks["keys"]["Tags"] == TAGS


def test_a_further_change_set_keeps_the_stack_in_review() -> None:
    engine = Engine()
    engine.in_review()

    assert engine.asked() == (200, {}, f"<StackId>{OLD}</StackId>".encode())
    assert (engine._stacks["keys"]["StackId"], engine._stacks["keys"]["CreationTime"]) == (OLD, 1)
    assert engine._stack_events == {OLD: ["old"]}
    assert [each["StackId"] for each in engine._change_sets.values()] == ["arn:stack/other", OLD]


def test_a_refused_change_set_leaves_the_stack_in_review_as_it_was() -> None:
    engine = Engine(refuses=True)
    engine.in_review()

    assert engine.asked()[0] == 400
    assert (engine._stacks["keys"]["StackId"], engine._stack_events) == (OLD, {OLD: ["old"]})


def test_a_refused_change_set_of_a_new_stack_leaves_none() -> None:
    engine = Engine(refuses=True)
    engine.asked()

    assert engine._stacks == {}


@pytest.mark.parametrize("asked", ["keys", OLD, "nobody"])
def test_change_sets_are_listed_by_name_and_by_id(asked: str) -> None:
    engine = Engine()
    engine.in_review()
    lists = ReviewedStacks(engine).list_change_sets(lambda params: (200, {}, params["StackName"][0].encode()))

    assert lists({"StackName": [asked]})[2] == (b"nobody" if asked == "nobody" else b"keys")


def test_a_parameter_is_described_by_its_path_and_its_value_and_a_secret_by_neither() -> None:
    stack: dict[str, Any] = {
        "Parameters": [
            {"ParameterKey": "Key", "ParameterValue": "arn:key"},
            {"ParameterKey": "Secret", "ParameterValue": "hush"},
            {"ParameterKey": "Plain", "ParameterValue": "1"},
        ],
        "_resolved_params": {"Key": {"SsmName": "/keys/Key", "Value": "arn:key"}, "Secret": {"NoEcho": True}},
    }

    def describe(params: Any) -> Any:
        values = (f"<ParameterValue>{each['ParameterValue']}</ParameterValue>" for each in stack["Parameters"])
        return 200, {}, "".join(values).encode()

    described = describe_values({"keys": stack, "bare": {}}, describe)
    expected = (
        b"<ParameterValue>/keys/Key</ParameterValue><ResolvedValue>arn:key</ResolvedValue>"
        b"<ParameterValue>****</ParameterValue><ParameterValue>1</ParameterValue>"
    )

    assert [described({})[2], described({})[2]] == [expected, expected]


@pytest.mark.parametrize(
    ("template", "refused"), [({"Resources": {}}, True), ({"Resources": {}, "Transform": "AWS::Include"}, False)]
)
def test_a_template_is_refused_before_the_engine_validates_it(template: Any, refused: bool) -> None:
    validated: list[Any] = []
    validate = refuse_templates(lambda *given: validated.append(given), lambda template, conditions: "no good")
    if refused:
        with pytest.raises(ValueError, match="no good"):
            validate(template, {}, params={})
    else:
        validate(template, {"On": True}, params={"P": 1})

    assert validated == ([] if refused else [(template, {"On": True}, {"P": 1})])


def test_a_template_without_a_fault_is_validated() -> None:
    validated: list[Any] = []
    refuse_templates(lambda *given: validated.append(given), lambda template, conditions: "")({"Resources": 1}, {})

    assert validated == [({"Resources": 1}, {}, None)]


def events_of(*told: tuple[str, str, str, str], known: Any = ()) -> list[tuple[Any, ...]]:
    written: list[tuple[Any, ...]] = []
    stacks: dict[str, Any] = {"keys": {"_resources": dict.fromkeys(known, 1), "StackStatusReason": "User Initiated"}}
    events = Events(stacks, lambda *event: written.append(event[2:]))
    for logical_id, kind, status, physical_id in told:
        events.add("arn", "keys", logical_id, kind, status, physical_id=physical_id)
    assert stacks["keys"]["StackStatusReason"] == (
        "" if ("keys", STACK_TYPE, "CREATE_IN_PROGRESS", "") in told else "User Initiated"
    )
    return written


def test_a_creation_is_told_in_the_steps_of_cloudformation() -> None:
    assert events_of(
        ("keys", STACK_TYPE, "CREATE_IN_PROGRESS", ""),
        ("Key", "AWS::KMS::Key", "CREATE_IN_PROGRESS", ""),
        ("Key", "AWS::KMS::Key", "CREATE_COMPLETE", "k-1"),
        ("keys", STACK_TYPE, "CREATE_COMPLETE", ""),
    ) == [
        ("keys", STACK_TYPE, "CREATE_IN_PROGRESS", "User Initiated", "arn"),
        ("Key", "AWS::KMS::Key", "CREATE_IN_PROGRESS", "", ""),
        ("Key", "AWS::KMS::Key", "CREATE_IN_PROGRESS", "Resource creation Initiated", "k-1"),
        ("Key", "AWS::KMS::Key", "CREATE_COMPLETE", "", "k-1"),
        ("keys", STACK_TYPE, "CREATE_COMPLETE", "", "arn"),
    ]


@pytest.mark.parametrize("end", ["COMPLETE", "FAILED"])
def test_an_update_says_of_a_new_resource_that_it_is_created(end: str) -> None:
    told = events_of(
        ("Old", "AWS::KMS::Key", "UPDATE_IN_PROGRESS", ""),
        ("Old", "AWS::KMS::Key", f"UPDATE_{end}", "k-1"),
        ("New", "AWS::KMS::Key", "UPDATE_IN_PROGRESS", ""),
        ("New", "AWS::KMS::Key", f"UPDATE_{end}", "k-2"),
        ("New", "AWS::KMS::Key", "DELETE_IN_PROGRESS", "k-2"),
        known=("Old",),
    )

    statuses = [(event[0], event[2]) for event in told if event[3] != "Resource creation Initiated"]
    assert statuses == [
        ("Old", "UPDATE_IN_PROGRESS"),
        ("Old", f"UPDATE_{end}"),
        ("New", "CREATE_IN_PROGRESS"),
        ("New", f"CREATE_{end}"),
        ("New", "DELETE_IN_PROGRESS"),
    ]


@pytest.mark.parametrize(
    ("conditions", "left"), [({}, ["A", "B"]), ({"On": {"Fn::Equals": ["a", "b"]}}, ["A"])], ids=["none", "off"]
)
def test_a_comparison_leaves_out_what_a_condition_does(conditions: Any, left: list[str]) -> None:
    template = {"Conditions": conditions, "Resources": {"A": {}, "B": {"Condition": "On"}}}
    compare = leave_out_by_condition(
        lambda template, params, name: {"Resources": template["Resources"]}, lambda template, params: {"On": False}
    )

    assert list(compare(template, {}, "keys")["Resources"]) == left


def test_a_log_group_that_exists_cannot_be_created() -> None:
    handlers: dict[str, Any] = {LOG_GROUP: {"create": lambda *given: given, "delete": 1}}
    refuse_existing_log_groups(handlers, {"/shipping": {}})
    create = handlers[LOG_GROUP]["create"]

    assert create("Group", {"LogGroupName": "/other"}, "stack") == ("Group", {"LogGroupName": "/other"}, "stack")
    assert create("Group", {}, "stack") == ("Group", {}, "stack")
    with pytest.raises(ValueError, match="/shipping\"}' already exists"):
        create("Group", {"LogGroupName": "/shipping"}, "stack")


def test_everything_is_put_into_the_engine() -> None:
    names = ("CreateChangeSet", "ListChangeSets", "DescribeStacks", "DescribeChangeSet")
    engine = Engine()
    engine._ACTION_HANDLERS = {name: (lambda params: (200, {}, b"")) for name in names}
    before = dict(engine._ACTION_HANDLERS)
    modules: dict[str, Any] = {
        "engine": SimpleNamespace(validate_template_support=print),
        "stacks": SimpleNamespace(_add_event=print),
        "changesets": SimpleNamespace(
            _add_event=print, validate_template_support=print, _resolve_props_for_diff=print, _evaluate_conditions=print
        ),
    }
    recorded_answers.register(engine, modules, lambda template, conditions: "")

    assert all(engine._ACTION_HANDLERS[name] is not before[name] for name in names)
    replaced = [value for module in modules.values() for value in vars(module).values() if value is not print]
    assert len(replaced) == 5
