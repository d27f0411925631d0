"""Writes the part of `docs/compliance.md` about cdk-nag: the rules that `out/` does not follow, each with the reason.

The rules are from the rule packs AwsSolutions, NIST 800-53 rev 5, PCI DSS 3.2.1 and Serverless. cdk-nag lists them:
https://github.com/cdklabs/cdk-nag/blob/main/RULES.md
"""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.markdown import markdown_cell, table

NIST, PCI = "NIST.800.53.R5", "PCI.DSS.321"
HEADS = ("rules", "in `out/`", "reason")
RULE_PACKS_INTRODUCTION = """
## Rules of cdk-nag that are not followed

cdk-nag has four packs of rules: AwsSolutions, NIST 800-53 rev 5, PCI DSS 3.2.1 and Serverless. It checks only CDK
applications, so it cannot check these templates. With the default settings, the templates in `out/` follow all rules
of these packs that apply to their resource types. The table lists the exceptions.
"""
# The ids of the rules, what is rendered instead, and the reason.
RULES_NOT_FOLLOWED = (
    (
        (f"{NIST}-VPCDefaultSecurityGroupClosed", f"{PCI}-VPCDefaultSecurityGroupClosed"),
        "the default security group keeps the rules that AWS creates, but no resource uses the group",
        "CloudFormation can add rules to this group, but cannot remove the rules that AWS creates with it. Remove these"
        " rules yourself.",
    ),
    (
        (f"{NIST}-ALBWAFEnabled", f"{PCI}-ALBWAFEnabled"),
        "no web ACL",
        "The rules of a firewall depend on the application. Associate your own web ACL with `cluster.LoadBalancer`.",
    ),
    (
        ("AwsSolutions-EC23",),
        "the load balancer's port for clients is open to everybody",
        "The load balancer serves the internet. No other security group admits addresses outside the VPC.",
    ),
    (
        (f"{NIST}-VPCNoUnrestrictedRouteToIGW", f"{PCI}-VPCNoUnrestrictedRouteToIGW"),
        "the public subnets have a route to the internet",
        "Load balancers and NAT gateways need this route. Tasks and functions are in private subnets.",
    ),
    (
        (f"{NIST}-IAMNoInlinePolicy", f"{PCI}-IAMNoInlinePolicy"),
        "roles have inline policies",
        "Each role has one purpose. The inline policy stands beside the role in the template, and no other role can use"
        " the policy.",
    ),
    (
        ("AwsSolutions-IAM5", "Serverless-StarPermissions"),
        "some statements apply to all resources, or to all names with the same beginning",
        "The actions of these statements support no resource-level permissions, or AWS chooses the last part of the"
        " resource names. The template gives the reason beside each `*`.",
    ),
    (
        (f"{NIST}-LambdaConcurrency",),
        "no reserved concurrency unless `pipeline.reserve_concurrency` is set",
        "A new account may run 10 functions at the same time, and cannot reserve any of these 10.",
    ),
    (
        (f"{NIST}-LambdaInsideVPC", f"{PCI}-LambdaInsideVPC"),
        "functions are outside a VPC, except the smoke hook",
        "The functions call AWS APIs only. In a VPC they would need a NAT gateway or endpoints for these calls.",
    ),
    (
        ("AwsSolutions-SMG4", f"{NIST}-SecretsManagerRotationEnabled"),
        "secrets are not rotated on a schedule",
        "The values of the secrets come from third parties or from you, through `make secret`.",
    ),
    (
        ("AwsSolutions-ECS2",),
        "containers have environment variables",
        "The variables of containers contain only settings without secrets. Secrets are references that ECS resolves"
        " when a task starts.",
    ),
    (
        ("AwsSolutions-CB5",),
        "most builds run in a Python image that is pinned by its digest",
        "CodeBuild's own images have no digest. Only the build that creates the service's image runs in an image of"
        " CodeBuild, because this build needs Docker.",
    ),
    (
        ("AwsSolutions-S1", f"{NIST}-S3BucketLoggingEnabled", f"{PCI}-S3BucketLoggingEnabled"),
        "access to the log delivery bucket is not logged",
        "All other buckets log to this bucket. If it logged to itself, it would grow without end.",
    ),
    (
        (f"{NIST}-S3DefaultEncryptionKMS", f"{PCI}-S3DefaultEncryptionKMS"),
        "the log delivery bucket is encrypted with SSE-S3",
        "Load balancers cannot deliver logs to a bucket with a customer-managed key.",
    ),
    (
        (f"{NIST}-S3BucketReplicationEnabled", f"{PCI}-S3BucketReplicationEnabled"),
        "buckets are not replicated",
        "A replica must be in another account or region, which only you can name.",
    ),
    (
        (f"{NIST}-ELBDeletionProtectionEnabled",),
        "the load balancer of a disposable environment has no deletion protection",
        "A disposable environment must be easy to destroy. Protected environments have deletion protection.",
    ),
    (
        ("Serverless-SQSRedrivePolicy",),
        "the only queue has no redrive policy",
        "The only queue is the dead-letter queue. An alarm reports each message that arrives in this queue.",
    ),
)


def rule_packs_part() -> Iterator[str]:
    """Yield the lines of `docs/compliance.md` about cdk-nag's rules."""
    yield from RULE_PACKS_INTRODUCTION.splitlines()
    yield ""
    rows = (
        (", ".join(f"`{rule}`" for rule in rules), rendered, reason) for rules, rendered, reason in RULES_NOT_FOLLOWED
    )
    yield from table(HEADS, (map(markdown_cell, row) for row in rows))
