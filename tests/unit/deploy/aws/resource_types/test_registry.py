"""The operations of resource types are complete, belong to known types, and use error codes that exist."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import botocore.session
import pytest

from cicd_templates.deploy.aws import resource_types
from cicd_templates.deploy.aws.existing_resources import find_existing
from cicd_templates.deploy.aws.resource_types.operations import NOT_FOUND_CODES, ResourceOperations
from cicd_templates.deploy.aws.resource_types.rds import CLUSTER_SNAPSHOT
from cicd_templates.deploy.aws.resource_types.registry import OPERATIONS, operations_of
from cicd_templates.template.resource_types.registry import RESOURCE_TYPES, facts_of
from tests.fakes.scripted_aws import aws

NOT_OF_A_SERVICE = {"operations", "registry"}
SERVICES = ("codepipeline", "ecr", "ecs", "elbv2", "iam", "kms", "lambda", "logs", "rds", "s3", "sns", "sqs", "ssm")
# What CloudFormation has no type for, and what destroy leaves to a person, each with the reason.
NOT_A_TYPE = {CLUSTER_SNAPSHOT: "the snapshot of a database, which RDS makes when a cluster is deleted"}
LEFT_TO_A_PERSON = {"AWS::RDS::DBCluster": "its instances have to be deleted first"}
# HEAD of S3 answers a status; EC2 declares no errors; SQS answers the older name to clients of its older protocol.
UNDECLARED = {
    *("404", "AWS.SimpleQueueService.NonExistentQueue"),
    *("InvalidGroup.NotFound", "InvalidNetworkInterfaceID.NotFound", "InvalidVpcEndpointId.NotFound"),
}


def modules() -> dict[str, dict[str, ResourceOperations]]:
    names = {module.name for module in pkgutil.iter_modules(resource_types.__path__)} - NOT_OF_A_SERVICE
    return {name: importlib.import_module(f"{resource_types.__name__}.{name}").OPERATIONS for name in names}


def test_the_registry_has_the_rows_of_every_module() -> None:
    assert {name: row for rows in modules().values() for name, row in rows.items()} == OPERATIONS
    assert len(OPERATIONS) == sum(map(len, modules().values()))


def test_a_module_has_the_types_of_the_service_that_it_is_named_after() -> None:
    for module, rows in modules().items():
        assert {name.split("::")[1].lower() for name in rows} == {module.removesuffix("_")}


@pytest.mark.parametrize("resource_type", OPERATIONS)
def test_operations_fit_the_facts_of_the_type(resource_type: str) -> None:
    operations, facts = operations_of(resource_type), facts_of(resource_type)

    assert resource_type in RESOURCE_TYPES or resource_type in NOT_A_TYPE
    assert bool(operations.find) == bool(operations.delete_command)
    assert not operations.find or facts.name_property, "what is looked up by name has a property with the name"
    assert not operations.contents or operations.leftover, "what can be emptied can be deleted"


def test_what_a_protected_environment_keeps_can_be_deleted_by_hand_and_by_destroy() -> None:
    for facts in RESOURCE_TYPES.values():
        if facts.kept_when_protected:
            leftover = operations_of(facts.type_name).leftover
            assert leftover is not None
            assert (leftover.delete is None) == (facts.type_name in LEFT_TO_A_PERSON)


def test_a_type_without_operations_is_never_found() -> None:
    assert find_existing(aws(), "Custom::Thing", "name") is None
    assert operations_of("Custom::Thing") == ResourceOperations()


def test_every_code_for_a_missing_resource_is_one_that_a_service_declares() -> None:
    session = botocore.session.Session()
    errors: list[Any] = [shape for service in SERVICES for shape in session.get_service_model(service).error_shapes]
    declared = {error.error_code for error in errors}

    assert NOT_FOUND_CODES >= UNDECLARED
    assert declared >= NOT_FOUND_CODES - UNDECLARED
