"""Computes the longest time that CloudFormation needs for the changes of a stack. Does not call AWS."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from cicd_templates.template.changes.impact import Change

MINUTE = 60.0
# The time in which an ECS service must become steady, in addition to the bake times of its deployment. CloudFormation
# refuses bake times of 33 hours in all, because an operation ends after 36 hours.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-linearconfiguration.html
ECS_STEADY_SECONDS = 3 * 60 * MINUTE
# The usual maximum time of resource types that take long; every other type takes a few minutes.
SLOW: Mapping[str, float] = {
    "AWS::EC2::NatGateway": 10 * MINUTE,
    "AWS::EC2::VPCEndpoint": 10 * MINUTE,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": 15 * MINUTE,
    # The creation of a certificate waits until a person has created the validation record in DNS.
    "AWS::CertificateManager::Certificate": 72 * 60 * MINUTE,
    "AWS::RDS::DBInstance": 60 * MINUTE,
    "AWS::RDS::DBCluster": 60 * MINUTE,
}
OTHER_SECONDS = 5 * MINUTE


def longest_wait(changes: Iterable[Change], resources: Mapping[str, Any]) -> float:
    """Return how many seconds the slowest of `changes` can take until it succeeds or fails.

    `resources` are the resources of the deployed template, by logical id.
    """
    waits = [_wait(change, resources.get(change.logical_id, {}).get("Properties", {})) for change in changes]
    return max(waits, default=0.0)


def _wait(change: Change, properties: Mapping[str, Any]) -> float:
    if change.resource_type == "AWS::ECS::Service" and change.action != "Remove":
        configuration = properties.get("DeploymentConfiguration")
        return ECS_STEADY_SECONDS + (bake_minutes(configuration) if isinstance(configuration, dict) else 0) * MINUTE
    return SLOW.get(change.resource_type, OTHER_SECONDS)


def bake_minutes(configuration: Mapping[str, Any]) -> float:
    """Return the sum of an ECS deployment's bake times, in minutes.

    ECS waits for a bake time after each step, and again after all traffic is shifted:

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
    """
    minutes = _number(configuration.get("BakeTimeInMinutes"), 0)
    canary, linear = (configuration.get(f"{name}Configuration") for name in ("Canary", "Linear"))
    if canary is not None:
        minutes += _number(canary.get("CanaryBakeTimeInMinutes"), 10)
    if linear is not None:
        # The last step is followed by the deployment's bake time, not by a step's bake time.
        steps = math.ceil(100 / _number(linear.get("StepPercent"), 10)) - 1
        minutes += steps * _number(linear.get("StepBakeTimeInMinutes"), 6)
    return minutes


def _number(value: Any, default: float) -> float:
    """Return `value` as a number, or `default` if `value` is missing or an intrinsic function.

    `value` can be a text of digits, because CloudFormation reports the numbers of a changed resource as texts.
    """
    return float(value) if isinstance(value, int | float) or (isinstance(value, str) and value.isdecimal()) else default


def format_duration(seconds: float) -> str:
    """Return a duration in words: `45 s`, `12 min`, `3 h 10 min`."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / MINUTE), 60)
    return " ".join(filter(None, [f"{hours} h" if hours else "", f"{minutes} min" if minutes or not hours else ""]))
