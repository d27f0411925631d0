"""Lists the AWS regions, and the AWS services that some regions lack.

Validation uses these lists to refuse a misspelt region, or a region without a required AWS service, before the first
deployment.

The configuration does not import the AWS SDK, so the names are listed here. Tests compare them with botocore's data and
with the resource types that CloudFormation's registry has in each region.
"""

from __future__ import annotations

REGIONS = (
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1",
    "eu-central-2", "eu-isoe-west-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3",
    "eusc-de-east-1", "il-central-1", "me-central-1", "me-south-1", "me-west-1", "mx-central-1", "sa-east-1",
    "sa-west-1", "us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-iso-east-1", "us-iso-west-1",
    "us-isob-east-1", "us-isob-west-1", "us-isof-east-1", "us-isof-south-1", "us-west-1", "us-west-2",
)  # fmt: skip
# The regions that do not have a service. Other services that the templates use are in every region.
REGIONS_WITHOUT = {
    "CodePipeline": (
        "eu-isoe-west-1", "us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "us-isob-west-1",
    ),
    "CodeBuild": (
        "ap-east-2", "ca-west-1", "eu-isoe-west-1", "mx-central-1", "us-isob-west-1",
    ),
    "CodeConnections": (
        "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-4",
        "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "cn-north-1", "cn-northwest-1",
        "eu-central-2", "eu-isoe-west-1", "eu-south-2", "eusc-de-east-1", "il-central-1", "me-central-1", "me-south-1",
        "mx-central-1", "us-gov-west-1", "us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "us-isob-west-1",
        "us-isof-east-1", "us-isof-south-1",
    ),
}  # fmt: skip
