"""The service-linked roles that a first resource of its kind needs."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from cicd_templates.deploy.doctor.checks import Check, Patient

# Type that needs it: name of the role and of the service.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
# https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-service-linked-roles.html
# https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html
ROLES = {
    "AWS::ECS::Cluster": ("AWSServiceRoleForECS", "ecs.amazonaws.com"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        "AWSServiceRoleForElasticLoadBalancing",
        "elasticloadbalancing.amazonaws.com",
    ),
    "AWS::ApplicationAutoScaling::ScalableTarget": (
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
        "ecs.application-autoscaling.amazonaws.com",
    ),
}


def checks(patient: Patient) -> Iterator[Check]:
    """One check for each role that a resource of the environment needs."""
    for resource_type, (role, service) in ROLES.items():
        if not any(patient.resources(resource_type)):
            continue
        try:
            patient.clients.iam.get_role(RoleName=role)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchEntity":
                raise
            if patient.clients.local:
                # It makes no roles for its services, and they need none.
                yield Check("service-linked role", f"{role} is not known on the local AWS", read=False)
                continue
            fix = f"aws iam create-service-linked-role --aws-service-name {service}"
            yield Check("service-linked role", f"{role} is missing, and the first {resource_type} would fail", fix)
        else:
            yield Check("service-linked role", f"{role} exists")
