"""Plans of a small project on the simulated CloudFormation, from deployed old templates to new ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.reporting.report import Event
from cicd_templates.deploy.runs import deployment
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.rendered_stacks import rendered
from tests.fakes.simulated_aws import SimulatedAws

Resources = dict[str, Any]
# The resources of all stacks, by label.
Project = dict[str, Resources]
Edit = Callable[[Project], None]


class Silent:
    def report(self, event: Event) -> None:
        pass


def statement(sid: str, action: str | list[str], resource: Any, **more: Any) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource, **more}


def shared_stacks() -> Project:
    administrators = {"AWS": "arn:aws:iam::222222222222:root"}
    policy = {"Statement": [statement("Administer", "kms:*", "*", Principal=administrators)]}
    subnet = {"CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-central-1a"}
    bucket = {"BucketName": "shipping-staging-uploads", "LifecycleConfiguration": {"ExpirationInDays": 30}}
    return {
        "keys": {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy}}},
        "network": {"PrivateSubnet": {"Type": "AWS::EC2::Subnet", "Properties": subnet}},
        "storage": {
            "Uploads": {
                "Type": "AWS::S3::Bucket",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": bucket,
            }
        },
    }


def service_stack(service: str) -> Resources:
    read = statement("ReadUploads", ["s3:GetObject", "s3:ListBucket"], "arn:aws:s3:::shipping-staging-uploads/*")
    containers = [{"Name": service, "Image": f"repository/{service}:1", "Cpu": 256}]
    return {
        "TaskRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": f"shipping-staging-{service}-task",
                "Policies": [{"PolicyName": "Task", "PolicyDocument": {"Statement": [read]}}],
            },
        },
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": f"shipping-staging-{service}"}},
        "TaskDefinition": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {"Family": service, "ContainerDefinitions": containers},
        },
        "Service": {
            "Type": "AWS::ECS::Service",
            "Properties": {"ServiceName": service, "TaskDefinition": {"Ref": "TaskDefinition"}, "DesiredCount": 2},
        },
    }


@dataclass(frozen=True)
class PlannedChange:
    """A change to plan: the services before the change, and `edit`, which changes the project."""

    edit: Edit
    services: tuple[str, ...] = ("till", "kiosk")
    environment: str = "staging"
    protection: str = "disposable"

    def plan(self, folder: Path) -> Plan:
        return self.plan_on(SimulatedAws(), folder)

    def plan_on(self, aws: SimulatedAws, folder: Path) -> Plan:
        aws.page = 100
        context = DeployContext(
            aws,  # type: ignore[arg-type] # the simulation stands in
            aws.clock.polling(),
            folder,
            # The simulation cannot tell whether a name is taken.
            recorded=frozenset(resource["Type"] for resource in service_stack("any").values()),
            today=aws.clock.today,
        )
        before = shared_stacks() | {f"service-{service}": service_stack(service) for service in self.services}
        after = copy.deepcopy(before)
        self.edit(after)
        deployment.deploy(context, self._stacks(before), Silent(), lambda question: True)
        removed = sorted(before.keys() - after.keys())
        made = deployment.plan(context, self._stacks(after), Silent(), removed=removed)
        return replace(made, caller="arn:aws:iam::222222222222:user/ada", revision="4f1c2d9")

    def _stacks(self, project: Project) -> list[StackTemplate]:
        return [
            rendered(
                label.partition("-")[0],
                service=label.partition("-")[2] or None,
                resources=json.loads(json.dumps(resources).replace("staging", self.environment)),
                environment=self.environment,
                protection=self.protection,
            )
            for label, resources in project.items()
        ]


# The edits.


def widen_role(project: Project) -> None:
    policy = project["service-till"]["TaskRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    policy["Statement"][0]["Action"].append("s3:PutObject")


def replace_table(project: Project) -> None:
    project["service-till"]["Table"]["Properties"]["TableName"] = "shipping-staging-orders"


def rename_kept_bucket(project: Project) -> None:
    project["storage"]["Uploads"]["Properties"]["BucketName"] = "shipping-staging-inbox"


def move_subnet(project: Project) -> None:
    project["network"]["PrivateSubnet"]["Properties"] |= {
        "AvailabilityZone": "eu-central-1b",
        "CidrBlock": "10.0.2.0/24",
    }


def add_service(project: Project) -> None:
    project["service-locker"] = service_stack("locker")


def remove_service(project: Project) -> None:
    del project["service-kiosk"]


def edit_key_policy(project: Project) -> None:
    policy = project["keys"]["Key"]["Properties"]["KeyPolicy"]
    policy["Statement"].append(
        statement("Decrypt", "kms:Decrypt", "*", Principal={"AWS": "arn:aws:iam::333333333333:root"})
    )


def services_of(project: Project) -> Iterable[tuple[str, Resources]]:
    return ((label.partition("-")[2], resources) for label, resources in project.items() if "service-" in label)


def release_images(project: Project) -> None:
    for service, resources in services_of(project):
        container = resources["TaskDefinition"]["Properties"]["ContainerDefinitions"][0]
        container["Image"] = f"repository/{service}:2"


def add_tags(project: Project) -> None:
    for resources in project.values():
        for resource in resources.values():
            resource["Properties"]["Tags"] = [{"Key": "Owner", "Value": "payments"}]


def scale_services(project: Project) -> None:
    for _, resources in services_of(project):
        resources["Service"]["Properties"]["DesiredCount"] = 3


def edit_listener_rule(project: Project) -> None:
    project["network"]["Rule"]["Properties"]["Priority"] = 2


def everything(project: Project) -> None:
    for edit in (
        widen_role,
        replace_table,
        rename_kept_bucket,
        move_subnet,
        add_service,
        edit_key_policy,
        scale_services,
        add_tags,
    ):
        edit(project)


SERVICES_40 = tuple(f"shop-{number:02}" for number in range(40))
