"""Creates the Lambda functions that ECS calls during a deployment: one verifies the image, one sends test requests.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from awacs import ec2 as ec2_actions
from awacs import ecr, ecs
from awacs.aws import ArnEquals
from troposphere import AWSHelperFn, Sub, awslambda, ec2, iam, logs

from cicd_templates.blocks.event_rules import MonitoredService
from cicd_templates.blocks.image_hooks import evidence_bucket, may_verify_statements
from cicd_templates.blocks.lambda_functions import inline_function, registry_variables, source
from cicd_templates.blocks.load_balancers import TEST_PORT
from cicd_templates.blocks.removal_policies import exempt_from_check
from cicd_templates.blocks.repositories import VERIFY_IMAGE
from cicd_templates.blocks.signing_keys import alias_arn, alias_name
from cicd_templates.blocks.unsigned_images import exceptions_variable
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import cluster_name, physical_name, repository_arn, service_name
from cicd_templates.config.routes import probed_paths
from cicd_templates.layer.iam import Grant, allow, deny
from cicd_templates.layer.outputs import HostName, KeyArn, SubnetIds, VpcId

SMOKE = reserved_words.SMOKE
# The timeout of a hook's function. ECS waits until the function ends, so this is also ECS's longest wait for a hook.
TIMEOUT_SECONDS = 180

Hook = tuple[logs.LogGroup, iam.Role, awslambda.Function]
# Exempts the role of `smoke` from a check of checkov, which finds write access to all resources.
JOINS_THE_NETWORK = (
    "Lambda needs these actions to attach the function to the VPC."
    " The function's own code cannot use these actions, because the statement LeaveTheNetworkToLambda denies them."
)


def verify_image(monitored: MonitoredService, key: KeyArn, names: Mapping[str, AWSHelperFn | str]) -> Hook:
    """Return the Lambda function that verifies a release's image, as a lifecycle hook of the ECS deployment.

    The function accepts the service's image if all of these conditions hold:

    - The image comes from our repository and is referenced by its digest.
    - It has signed statements from the builder and from the verifier. `names` contains the names of these two.
    - It has no findings of the blocking severities.

    The configuration can exempt one image of the service from the signature. The images of further containers need no
    signatures. They must come from configured repositories and be referenced by digest.
    """
    env, service = monitored.env, monitored.service
    tools = env.tools
    revisions = f"service-revision/{cluster_name(env)}/{service_name(env, service.name)}/*"
    return inline_function(
        "VerifyImage",
        env,
        source("verify_image"),
        allow(
            "LookAtTheRelease",
            [ecs.DescribeServiceRevisions],
            on=Sub(f"arn:${{AWS::Partition}}:ecs:{env.region}:{env.account}:{revisions}"),
        ),
        allow(
            "LookAtItsTaskDefinition",
            [ecs.DescribeTaskDefinition],
            on="*",
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
            because="ecs:DescribeTaskDefinition supports no resource-level permissions.",
        ),
        allow("ReadTheScan", [ecr.DescribeImageScanFindings], on=Sub(repository_arn(tools, service.name))),
        *may_verify_statements(tools, service, alias_name(tools, service)),
        name=(service.name, VERIFY_IMAGE),
        key=key,
        dead_letters=monitored.dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        variables={
            "ENVIRONMENT": env.qualified,
            "UNSIGNED_IMAGES": exceptions_variable(service.name, [env]),
            "CONTAINER": service.name,
            "FURTHER": ",".join(_repositories(service)),
            "SERVICE": service.name,
            "EVIDENCE_BUCKET": evidence_bucket(tools),
            "SIGNING_KEY": alias_arn(tools, service),
            **names,
            **registry_variables(env, service),
        },
    )


def _repositories(service: Service) -> list[str]:
    return sorted({table.image.partition("@")[0] for table in service.settings.containers.values()})


def smoke(
    monitored: MonitoredService, key: KeyArn, balancer: HostName, subnets: SubnetIds, group: ec2.SecurityGroup
) -> Hook:
    """Return the Lambda function that sends test requests to a release, as a lifecycle hook of the ECS deployment.

    The function sends the requests from inside the environment's VPC to the load balancer's test listener.
    """
    env, service = monitored.env, monitored.service
    log_group, role, function = inline_function(
        "Smoke",
        env,
        source("smoke"),
        *_may_join_the_network(env, service),
        name=(service.name, SMOKE),
        key=key,
        dead_letters=monitored.dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        variables={
            "BALANCER": balancer,
            "PORT": str(TEST_PORT),
            "HOST": env.domain or env.settings.domain or balancer,
            "TLS": "" if env.settings.allow_http else "1",
            "PROBES": json.dumps(probed_paths(service)),
            **({"AUTHORITY": env.settings.certificate_authority} if env.settings.certificate_authority else {}),
        },
        network=awslambda.VPCConfig(SubnetIds=subnets, SecurityGroupIds=[group.ref()]),
    )
    return log_group, exempt_from_check(role, "CKV_AWS_111", JOINS_THE_NETWORK), function


def smoke_group(logical_id: str, env: Environment, service: Service, vpc: VpcId) -> ec2.SecurityGroup:
    """Return the smoke test function's security group. Its only rule allows egress to the test listener's port.

    The rule limits only the port and not the address, because the function calls the load balancer's public addresses.
    """
    return ec2.SecurityGroup(
        logical_id,
        GroupName=physical_name(env, "AWS::EC2::SecurityGroup", service.name, SMOKE),
        GroupDescription=f"Function that tests new releases of {service.name}",
        VpcId=vpc,
        SecurityGroupEgress=[
            ec2.SecurityGroupRule(
                IpProtocol="tcp",
                FromPort=TEST_PORT,
                ToPort=TEST_PORT,
                CidrIp="0.0.0.0/0",
                Description="Requests to the test listener, through the public addresses of the load balancer",
            )
        ],
    )


def _may_join_the_network(env: Environment, service: Service) -> list[Grant]:
    """Let the Lambda service attach the function to the VPC, and deny the same actions to the function's own code.

    Lambda uses the function's role for these actions:
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    """
    name = physical_name(env, "AWS::Lambda::Function", service.name, SMOKE)
    function = Sub(f"arn:${{AWS::Partition}}:lambda:{env.region}:{env.account}:function:{name}")
    actions = [
        ec2_actions.AssignPrivateIpAddresses,
        ec2_actions.CreateNetworkInterface,
        ec2_actions.DeleteNetworkInterface,
        ec2_actions.DescribeNetworkInterfaces,
        ec2_actions.DescribeSubnets,
        ec2_actions.UnassignPrivateIpAddresses,
    ]
    return [
        allow(
            "JoinTheNetwork",
            actions,
            on="*",
            because="the Describe actions of ec2 support no resource-level permissions, and Lambda requires that the"
            " role may call all of these actions on every resource.",
        ),
        deny(
            "LeaveTheNetworkToLambda",
            actions,
            on="*",
            when=[ArnEquals({"lambda:SourceFunctionArn": function})],
        ),
    ]
