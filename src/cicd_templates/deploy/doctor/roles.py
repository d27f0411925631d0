"""Checks whether the account has the service-linked roles that the environment's resources need."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from cicd_templates.deploy.doctor.checks import Check, ExaminedEnvironment

# By resource type: the name of the service-linked role that it needs, and the service that assumes the role.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
# https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-service-linked-roles.html
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html
# https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html
ROLES = {
    "AWS::ECS::Cluster": ("AWSServiceRoleForECS", "ecs.amazonaws.com"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        "AWSServiceRoleForElasticLoadBalancing",
        "elasticloadbalancing.amazonaws.com",
    ),
    "AWS::RDS::DBCluster": ("AWSServiceRoleForRDS", "rds.amazonaws.com"),
    "AWS::ApplicationAutoScaling::ScalableTarget": (
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
        "ecs.application-autoscaling.amazonaws.com",
    ),
}


def check_service_linked_roles(examined: ExaminedEnvironment) -> Iterator[Check]:
    """Yield a result for each service-linked role that a resource of the environment needs."""
    for resource_type, (role, service) in ROLES.items():
        if not any(examined.resources(resource_type)):
            continue
        try:
            examined.clients.iam.get_role(RoleName=role)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchEntity":
                raise
            if examined.clients.local:
                # The local AWS has no service-linked roles, and its services need none.
                yield Check("service-linked role", f"{role} is not known on the local AWS", read=False)
                continue
            fix = f"aws iam create-service-linked-role --aws-service-name {service}"
            yield Check(
                "service-linked role",
                f"{role} is missing, so the creation of the first {resource_type} would fail",
                fix,
            )
        else:
            yield Check("service-linked role", f"{role} exists")
