"""Compares the simulated CloudFormation with recorded answers of AWS in the folder that AWS_RECORDINGS names.

docs/fakes.md lists what is compared, and what is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.fakes import recorded_services as services
from tests.fakes import recorded_situations as situations
from tests.fakes import recorded_updates as updates
from tests.fakes.recorded_services import ServiceAccount, read_part
from tests.fakes.recorded_situations import Account, Answers, parameter, resources, topic
from tests.fakes.recordings import FOLDER, differences, recorded
from tests.fakes.simulated_aws import SimulatedAws

API, ENGINE = "cloudformation__api__", "cloudformation__engine__"
CHANGE_SETS, STACKS = f"{API}test_changesets", f"{API}test_stacks"
UPDATES, REFERENCES = "cloudformation__test_change_sets", "cloudformation__test_change_set_ref"
CAPTURE = "TestCaptureUpdateProcess::"
TAGS = {"Key": "foo", "Value": "bar"}
CONDITION = {"Fn::If": ["MissingCondition", "a", "b"]}
OFF = {"Conditions": {"Off": {"Fn::Equals": ["a", "b"]}}}

# Recorded before the stack was deleted, while other entries go on to the end; or with all events, and before
# CloudFormation stopped calling a resource that is added a replacement.
EARLIER = {
    **{
        f"test_{name}": {
            "describe-change-set-1-prop-values",
            "describe-change-set-2-prop-values",
            "per-resource-events",
        }
        for name in ("resource_addition", "direct_attribute_value_change")
    },
    "test_immutable_property_update_causes_resource_replacement": {
        "describe-change-set-1-prop-values",
        "per-resource-events",
    },
    "test_unrelated_changes_requires_replacement": {"per-resource-events"},
    "test_unrelated_changes_update_propagation": {"per-resource-events"},
}
# The file, the entry, and what makes our answers by the entry's keys.
SITUATIONS: list[tuple[str, str, Callable[[Account], Answers]]] = [
    (STACKS, "TestStacksApi::test_stack_description_lifecycle[no-tags]", situations.lifecycle),
    (STACKS, "TestStacksApi::test_stack_description_lifecycle[with-tags]", lambda a: situations.lifecycle(a, TAGS)),
    (STACKS, "TestStacksApi::test_list_events_after_deployment", situations.creation_events),
    (STACKS, "test_no_echo_parameter", situations.secrets),
    (STACKS, "test_non_existing_stack_message", situations.missing_stacks),
    (STACKS, "test_describe_stack_events_errors", situations.missing_stacks),
    (
        STACKS,
        "test_no_parameters_given",
        situations.said_of_template(
            "deploy-error", {"Parameters": {"Input": {"Type": "String"}}, **resources(A=parameter())}
        ),
    ),
    (STACKS, "test_linting_error_during_creation", situations.refused_template("error", resources(A="x"))),
    (CHANGE_SETS, "test_multiple_create_changeset", situations.several_change_sets),
    (CHANGE_SETS, "test_name_conflicts", situations.same_names),
    (CHANGE_SETS, "test_deleted_changeset", situations.deleted_change_set),
    (CHANGE_SETS, "test_describe_change_set_nonexisting", situations.no_stack),
    (CHANGE_SETS, "test_create_change_set_no_changes", situations.no_changes),
    (CHANGE_SETS, "test_empty_changeset", situations.nothing_to_execute),
    (CHANGE_SETS, "test_create_changeset_for_deleted_stack", situations.deleted_stack),
    (CHANGE_SETS, "test_describe_changeset_after_delete", situations.moved_parameter),
    (UPDATES, "test_list_change_sets", situations.listed),
    (
        UPDATES,
        f"{CAPTURE}test_direct_update",
        lambda a: updates.update(
            a, resources(Foo=topic("topic-1")), resources(Foo=topic("topic-2")), Capabilities=situations.CAPABILITIES
        ),
    ),
    (UPDATES, f"{CAPTURE}test_dynamic_update", updates.told_parameter),
    (UPDATES, f"{CAPTURE}test_unrelated_changes_requires_replacement", updates.replaced_reference),
    (UPDATES, f"{CAPTURE}test_unrelated_changes_update_propagation", updates.changed_description),
    (UPDATES, "test_dynamic_ssm_parameter_lookup", updates.moved_value),
    (UPDATES, "test_dynamic_ssm_parameter_lookup_no_change", updates.unmoved_value),
    (
        "cloudformation__v2__test_dynamic_resolving",
        "TestSSMParameterValues::test_update_parameter_between_deployments",
        updates.moved_value_between,
    ),
    (f"{ENGINE}test_update_policy", "test_update_replace_policy_retain", updates.retained),
    (f"{API}test_templates", "test_get_template_missing_resources_stack", situations.missing_stacks),
    (f"{API}test_templates", "test_get_template_missing_resources_change_set_id", situations.missing_change_set),
    (
        f"{API}test_resources",
        "test_invalid_logical_resource_id",
        situations.said_of_template("error", {"Resources": {"my-bad-resource-id": parameter()}}),
    ),
    (
        f"{API}test_validations",
        "test_missing_resources_block",
        situations.refused_template("validation-error", {"Parameters": {}}),
    ),
    (
        f"{API}test_validations",
        "test_resources_blocks[missing-type]",
        situations.refused_template("validation-error", resources(A={"Properties": {}})),
    ),
    (
        f"{API}test_validations",
        "test_resources_blocks[invalid-key]",
        situations.refused_template("validation-error", resources(A=parameter() | {"Invalid": 1})),
    ),
    (
        f"{API}test_validations",
        "test_invalid_output_structure[none-value]",
        situations.refused_template(
            "validation-error", resources(A=parameter()) | {"Outputs": {"MyOutput": {"Value": None}}}
        ),
    ),
    (
        "cloudformation__test_template_engine",
        "test_no_type",
        situations.said_of_template("error", resources(Foo={"Properties": {}})),
    ),
    (
        f"{ENGINE}test_references",
        "TestDependsOn::test_depends_on_with_missing_reference",
        situations.refused_template(
            "depends_on_nonexisting_exception", resources(A=parameter() | {"DependsOn": "NonExistingResource"})
        ),
    ),
    (
        f"{ENGINE}test_references",
        "test_useful_error_when_invalid_ref",
        situations.refused_template("validation_error", resources(A=parameter({"Ref": "InvalidRef"}))),
    ),
    (
        f"{ENGINE}test_conditions",
        "TestCloudFormationConditions::test_dependent_ref",
        situations.refused_template(
            "dependent_ref_exc",
            OFF | resources(MyTopic=topic("a") | {"Condition": "Off"}, B=parameter({"Ref": "MyTopic"})),
        ),
    ),
    (
        f"{ENGINE}test_conditions",
        "TestCloudFormationConditions::test_dependent_get_att",
        situations.refused_template(
            "dependent_ref_exc",
            OFF
            | resources(
                MyTopic=topic("a") | {"Condition": "Off"}, B=parameter({"Fn::GetAtt": ["MyTopic", "TopicName"]})
            ),
        ),
    ),
    (
        f"{ENGINE}test_conditions",
        "TestCloudFormationConditions::test_output_reference_to_skipped_resource",
        situations.refused_template(
            "unresolved_resource_reference_exception",
            OFF
            | resources(MyTopic=topic("a") | {"Condition": "Off"}, B=parameter())
            | {"Outputs": {"O": {"Value": {"Ref": "MyTopic"}}}},
        ),
    ),
    (
        "cloudformation__test_change_set_conditions",
        "TestChangeSetConditions::test_missing_condition",
        situations.refused_template("error", resources(A=parameter(CONDITION))),
    ),
    ("ssm__test_ssm", "TestSSM::test_parameters_with_path", situations.stored),
    (CHANGE_SETS, "TestUpdates::test_deleting_resource", situations.nothing_stored),
    (CHANGE_SETS, "test_create_changeset_with_stack_id", situations.stack_by_id),
    (CHANGE_SETS, "test_changeset_for_deleted_stack", situations.stack_that_is_being_deleted),
    (CHANGE_SETS, "test_delete_change_set_exception", situations.change_set_by_name_alone),
    (STACKS, "test_update_termination_protection", situations.protected_stack),
    (STACKS, "TestStacksApi::test_stack_lifecycle", situations.whole_life),
    (STACKS, "TestStacksApi::test_get_template_using_changesets[json]", situations.template_of_a_stack),
    ("cloudformation__test_list_stacks", "test_listing_stacks", situations.listed_stacks),
    (REFERENCES, "TestChangeSetRef::test_resource_addition", updates.added_resource),
    (
        REFERENCES,
        "TestChangeSetRef::test_immutable_property_update_causes_resource_replacement",
        updates.changed_topics(("topic-name-1", "value"), ("updated-topic-name-1", "new_value")),
    ),
    (
        REFERENCES,
        "TestChangeSetRef::test_direct_attribute_value_change",
        updates.changed_topics(("topic-name-1", "display-value-1"), ("topic-name-1", "display-value-2")),
    ),
]


def simulated() -> Account:
    aws: Any = SimulatedAws()

    def settle() -> None:
        aws.clock.sleep(10)
        aws.settle()

    return Account(aws.cloudformation, aws.ssm, settle, lambda value: aws.values.__setitem__(situations.PATH, value))


@pytest.mark.skipif(FOLDER is None, reason="AWS_RECORDINGS names no folder of recorded answers")
@pytest.mark.parametrize(("file", "entry", "situation"), SITUATIONS, ids=[entry for _, entry, _ in SITUATIONS])
def test_the_simulated_cloudformation_answers_as_aws_did(
    file: str, entry: str, situation: Callable[[Account], Answers]
) -> None:
    theirs, ours = recorded(file, entry), situation(simulated())
    compared = (theirs.keys() & ours.keys()) - EARLIER.get(entry.rpartition("::")[2], set())

    assert compared, f"{theirs.keys()} {ours.keys()}"
    assert [line for key in sorted(compared) for line in differences(theirs[key], ours[key], key)] == []


def test_the_page_lists_what_is_compared() -> None:
    page = (ROOT / "docs/fakes.md").read_text()

    entries = [entry for _, entry, _ in SITUATIONS] + [entry for _, entry, _ in services.SITUATIONS]

    assert [entry for entry in entries if f"`{entry.rpartition('::')[2]}`" not in page] == []


SIMULATED = [row for row in services.SITUATIONS if row[2] in services.SIMULATED]


@pytest.mark.skipif(FOLDER is None, reason="AWS_RECORDINGS names no folder of recorded answers")
@pytest.mark.parametrize(("file", "entry", "situation"), SIMULATED, ids=[entry for _, entry, _ in SIMULATED])
def test_the_other_simulated_services_answer_as_aws_did(
    file: str, entry: str, situation: Callable[[ServiceAccount], Answers]
) -> None:
    aws: Any = SimulatedAws()

    def make_bucket(name: str, tags: list[dict[str, str]]) -> None:
        aws.tagged["AWS::S3::Bucket", name] = (tags, aws.clock.seconds, None)
        # The tagging API does not know it before.
        aws.clock.sleep(120)

    theirs, ours = recorded(file, entry), situation(ServiceAccount(aws, make_bucket))
    compared = theirs.keys() & ours.keys()

    assert compared, f"{theirs.keys()} {ours.keys()}"
    assert [
        line for key in sorted(compared) for line in differences(read_part(theirs[key]), read_part(ours[key]), key)
    ] == []


def test_every_service_has_situations() -> None:
    files = {file.partition("__")[0] for file, _, _ in services.SITUATIONS}

    assert {"iam", "kms", "logs", "resourcegroupstaggingapi", "s3", "secretsmanager", "sqs", "sts"} <= files
