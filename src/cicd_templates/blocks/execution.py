"""What CloudFormation may do when it works on a service's stack: the resources of the layer `service`, by their names.

From the permissions that the handlers of each type in that layer ask for, which their registry schemas list:
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
Where an API has a resource level, the names that `naming` spells are the limit.
"""

from __future__ import annotations

from awacs import ec2, ecs, iam, kms, logs, ssm
from awacs import elasticloadbalancing as elb
from awacs.aws import ArnEquals, ConditionElement, StringEquals
from troposphere import Sub

from cicd_templates.blocks.repositories import EXECUTION_ROLE
from cicd_templates.blocks.tasks import TASK_ROLE
from cicd_templates.environment import Environment, Service
from cicd_templates.iam import Grant, allow
from cicd_templates.naming import log_group_name, parameter_path, physical_name, role_arn
from cicd_templates.outputs import VpcId, text


def service_grants(env: Environment, service: Service, vpc: VpcId) -> list[Grant]:
    """The statements of the role that CloudFormation is given for one service's stack."""
    return [
        *_tasks(env, service),
        *_load_balancing(env, service),
        *_network(env, vpc),
        *_roles(env, service),
        *_logs(env, service),
        *_parameters(env, service),
    ]


def _arn(env: Environment, service: str, resource: str) -> Sub:
    return Sub(f"arn:${{AWS::Partition}}:{service}:{env.region}:{env.account}:{resource}")


def _tasks(env: Environment, service: Service) -> list[Grant]:
    cluster = physical_name(env, "AWS::ECS::Cluster", "cluster")
    family = physical_name(env, "AWS::ECS::TaskDefinition", service.name)
    name = physical_name(env, "AWS::ECS::Service", service.name)
    own_service = _arn(env, "ecs", f"service/{cluster}/{name}")
    own_definitions = _arn(env, "ecs", f"task-definition/{family}:*")
    return [
        allow(
            "RunTheService",
            [
                ecs.CreateService,
                ecs.DeleteService,
                ecs.DescribeServices,
                ecs.ListServiceDeployments,
                ecs.UpdateService,
            ],
            on=own_service,
        ),
        allow(
            "FollowItsDeployments",
            [ecs.DescribeServiceDeployments],
            on=[own_service, _arn(env, "ecs", f"service-deployment/{cluster}/{name}/*")],
        ),
        allow(
            "TagTheServiceAndItsTasks",
            [ecs.ListTagsForResource, ecs.TagResource, ecs.UntagResource],
            on=[own_service, own_definitions],
        ),
        allow(
            "KeepTaskDefinitions",
            [ecs.DeregisterTaskDefinition, ecs.DescribeTaskDefinition, ecs.RegisterTaskDefinition],
            on="*",
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
            because="ecs has no resource level for task definitions being registered, described or retired.",
        ),
    ]


def _load_balancing(env: Environment, service: Service) -> list[Grant]:
    targets = physical_name(env, "AWS::ElasticLoadBalancingV2::TargetGroup", service.name)
    balancer = physical_name(env, "AWS::ElasticLoadBalancingV2::LoadBalancer", "alb")
    own_targets = _arn(env, "elasticloadbalancing", f"targetgroup/{targets}/*")
    listeners = _arn(env, "elasticloadbalancing", f"listener/app/{balancer}/*")
    rules = _arn(env, "elasticloadbalancing", f"listener-rule/app/{balancer}/*")
    return [
        allow(
            "KeepTheTargetGroup",
            [
                elb.CreateTargetGroup,
                elb.DeleteTargetGroup,
                elb.ModifyTargetGroup,
                elb.ModifyTargetGroupAttributes,
            ],
            on=own_targets,
        ),
        allow("AddTheListenerRule", [elb.CreateRule], on=listeners),
        allow("KeepTheListenerRule", [elb.DeleteRule, elb.ModifyRule, elb.SetRulePriorities], on=rules),
        allow("TagTargetsAndRules", [elb.AddTags, elb.RemoveTags], on=[own_targets, rules]),
        allow(
            "LookAtLoadBalancing",
            [
                elb.DescribeListeners,
                elb.DescribeLoadBalancers,
                elb.DescribeRules,
                elb.DescribeTags,
                elb.DescribeTargetGroupAttributes,
                elb.DescribeTargetGroups,
                elb.DescribeTargetHealth,
            ],
            on="*",
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
            because="the Describe actions of elasticloadbalancing have no resource level.",
        ),
    ]


def _network(env: Environment, vpc: VpcId) -> list[Grant]:
    """Security groups of the environment's VPC: their ids are not known before, and tags may come after the rules."""
    groups = _arn(env, "ec2", "security-group/*")
    network = text(f"arn:${{AWS::Partition}}:ec2:{env.region}:{env.account}:vpc/", vpc)
    in_the_vpc = ArnEquals({"ec2:Vpc": network})
    return [
        allow("MakeTheSecurityGroup", [ec2.CreateSecurityGroup], on=[groups, network]),
        # A group that is just being made is in no VPC yet.
        allow(
            "TagTheSecurityGroup",
            [ec2.CreateTags],
            on=groups,
            when=[StringEquals({"ec2:CreateAction": "CreateSecurityGroup"})],
        ),
        allow(
            "KeepTheSecurityGroups",
            [
                ec2.AuthorizeSecurityGroupEgress,
                ec2.AuthorizeSecurityGroupIngress,
                ec2.CreateTags,
                ec2.DeleteSecurityGroup,
                ec2.DeleteTags,
                ec2.RevokeSecurityGroupEgress,
                ec2.RevokeSecurityGroupIngress,
                ec2.UpdateSecurityGroupRuleDescriptionsEgress,
                ec2.UpdateSecurityGroupRuleDescriptionsIngress,
            ],
            on=groups,
            when=[in_the_vpc],
        ),
        allow(
            "LookAtTheNetwork",
            [ec2.DescribeSecurityGroupRules, ec2.DescribeSecurityGroups, ec2.DescribeSubnets, ec2.DescribeVpcs],
            on="*",
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
            because="the Describe actions of ec2 have no resource level.",
        ),
    ]


def _roles(env: Environment, service: Service) -> list[Grant]:
    roles = [Sub(role_arn(env, service.name, purpose)) for purpose in (EXECUTION_ROLE, TASK_ROLE)]
    boundary = env.settings.permissions_boundary
    bounded: list[ConditionElement] = [StringEquals({"iam:PermissionsBoundary": boundary})] if boundary else []
    return [
        allow(
            "MakeTheTaskRoles",
            [iam.CreateRole, iam.DeleteRolePolicy, iam.PutRolePolicy],
            on=roles,
            when=bounded,
        ),
        allow(
            "KeepTheTaskRoles",
            [
                iam.DeleteRole,
                iam.GetRole,
                iam.GetRolePolicy,
                iam.ListAttachedRolePolicies,
                iam.ListRolePolicies,
                iam.ListRoleTags,
                iam.TagRole,
                iam.UntagRole,
                iam.UpdateAssumeRolePolicy,
                iam.UpdateRole,
                iam.UpdateRoleDescription,
            ],
            on=roles,
        ),
        allow(
            "GiveTasksTheirRoles",
            [iam.PassRole],
            on=roles,
            when=[StringEquals({"iam:PassedToService": "ecs-tasks.amazonaws.com"})],
        ),
    ]


def _logs(env: Environment, service: Service) -> list[Grant]:
    name = log_group_name(env, "service", service.name)
    return [
        allow(
            "KeepTheLogGroup",
            [
                logs.AssociateKmsKey,
                logs.CreateLogGroup,
                logs.DeleteLogGroup,
                logs.DeleteRetentionPolicy,
                logs.DisassociateKmsKey,
                logs.ListTagsForResource,
                logs.PutRetentionPolicy,
                logs.TagResource,
                logs.UntagResource,
            ],
            on=[_arn(env, "logs", f"log-group:{name}"), _arn(env, "logs", f"log-group:{name}:*")],
        ),
        allow(
            "LookAtLogGroups",
            [logs.DescribeLogGroups],
            # The list is asked of all groups of the account; its ARN has no name.
            on=_arn(env, "logs", "log-group:*"),
        ),
        allow(
            "CheckTheKeyOfTheLogGroup",
            [kms.DescribeKey],
            on=_arn(env, "kms", "key/*"),
            when=[StringEquals({"aws:ResourceTag/Environment": env.name})],
        ),
    ]


def _parameters(env: Environment, service: Service) -> list[Grant]:
    """Reads what the other layers publish, and writes its own."""
    own = parameter_path(env, "service", "*", service.name)
    return [
        allow(
            "ReadValues",
            [ssm.GetParameter, ssm.GetParameters],
            on=_arn(env, "ssm", f"parameter/{env.project.name}/{env.qualified}/*"),
        ),
        allow(
            "PublishItsOwnValues",
            [
                ssm.AddTagsToResource,
                ssm.DeleteParameter,
                ssm.ListTagsForResource,
                ssm.PutParameter,
                ssm.RemoveTagsFromResource,
            ],
            on=_arn(env, "ssm", f"parameter{own}"),
        ),
    ]
