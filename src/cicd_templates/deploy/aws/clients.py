"""Creates the AWS clients of one environment, either for its account or for the local AWS.

boto3 is imported on first use, so that commands that do not call AWS start fast.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cicd_templates.deploy.aws.access import Access
from cicd_templates.deploy.aws.endpoint_urls import IGNORE
from cicd_templates.deploy.aws.retry import AWS_ERRORS
from cicd_templates.deploy.aws.service_models import service_models
from cicd_templates.errors import CicdError, CredentialsError, MissingCodeError, NoTerminalError, RefusedError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

CALL_ATTEMPTS = 10


class Clients:
    """The boto3 clients of one account and region, one per AWS service. Each client is created on first use."""

    def __init__(self, session: Any, region: str, endpoint_url: str | None = None, profile: str | None = None) -> None:
        self._session = session
        self._region = region
        self._endpoint_url = endpoint_url
        self._profile = profile
        self._making = threading.Lock()

    def _client(self, service: str) -> Any:
        from botocore.config import Config

        config = Config(retries={"mode": "adaptive", "total_max_attempts": CALL_ATTEMPTS})
        if self.local:
            # The local AWS has no host name for each bucket, and it must not be called through a proxy.
            config = config.merge(Config(s3={"addressing_style": "path"}, proxies={}))
        # Two threads must not use a session at the same time; they may use its clients.
        with self._making:
            return self._session.client(
                service, region_name=self._region, endpoint_url=self._endpoint_url, config=config
            )

    @property
    def region(self) -> str:
        """The region of all clients."""
        return self._region

    @property
    def profile(self) -> str | None:
        """The profile for AWS CLI commands that are shown to the user, or None.

        A command with this profile has the same permissions as the clients. If the configuration names a role for the
        clients, the result is None, because the user may have no profile for this role.
        """
        return self._profile

    @property
    def endpoint_url(self) -> str | None:
        """The address of the local AWS; None for AWS itself."""
        return self._endpoint_url

    @property
    def local(self) -> bool:
        """Whether the clients call the local AWS."""
        return self._endpoint_url is not None

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        """The client for CloudFormation: stacks and change sets."""
        return self._client("cloudformation")  # type: ignore[no-any-return]

    @cached_property
    def rds(self) -> Any:
        """The client for Amazon RDS: database clusters, their groups and snapshots."""
        return self._client("rds")

    @cached_property
    def s3(self) -> S3Client:
        """The client for Amazon S3: buckets and objects."""
        return self._client("s3")  # type: ignore[no-any-return]

    @cached_property
    def codepipeline(self) -> CodePipelineClient:
        """The client for CodePipeline: pipelines and their runs."""
        return self._client("codepipeline")  # type: ignore[no-any-return]

    @cached_property
    def lambda_(self) -> LambdaClient:
        """The client for Lambda: functions, and the account's limits on them."""
        return self._client("lambda")  # type: ignore[no-any-return]

    @cached_property
    def scaling(self) -> Any:
        """The client for Application Auto Scaling: the scaling of ECS services."""
        return self._client("application-autoscaling")

    @cached_property
    def secretsmanager(self) -> SecretsManagerClient:
        """The client for Secrets Manager: secrets."""
        return self._client("secretsmanager")  # type: ignore[no-any-return]

    @cached_property
    def ecr(self) -> ECRClient:
        """The client for Amazon ECR: repositories and images."""
        return self._client("ecr")  # type: ignore[no-any-return]

    @cached_property
    def events(self) -> Any:
        """The client for EventBridge: rules and archives."""
        return self._client("events")

    @cached_property
    def elbv2(self) -> ElasticLoadBalancingv2Client:
        """The client for Elastic Load Balancing: load balancers and target groups."""
        return self._client("elbv2")  # type: ignore[no-any-return]

    @cached_property
    def iam(self) -> IAMClient:
        """The client for IAM: roles and policies."""
        return self._client("iam")  # type: ignore[no-any-return]

    @cached_property
    def kms(self) -> KMSClient:
        """The client for KMS: keys and aliases."""
        return self._client("kms")  # type: ignore[no-any-return]

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        """The client for CloudWatch Logs: log groups."""
        return self._client("logs")  # type: ignore[no-any-return]

    @cached_property
    def ssm(self) -> SSMClient:
        """The client for Systems Manager: Parameter Store."""
        return self._client("ssm")  # type: ignore[no-any-return]

    @cached_property
    def acm(self) -> Any:
        """The client for Certificate Manager: certificates."""
        return self._client("acm")

    @cached_property
    def cloudwatch(self) -> Any:
        """The client for CloudWatch: alarms and their history."""
        return self._client("cloudwatch")

    @cached_property
    def codebuild(self) -> Any:
        """The client for CodeBuild: build projects and their builds."""
        return self._client("codebuild")

    @cached_property
    def codeconnections(self) -> Any:
        """The client for CodeConnections: connections to source providers."""
        return self._client("codeconnections")

    @cached_property
    def dynamodb(self) -> Any:
        """The client for Amazon DynamoDB: tables."""
        return self._client("dynamodb")

    @cached_property
    def ec2(self) -> Any:
        """The client for Amazon EC2: VPCs, network interfaces and addresses."""
        return self._client("ec2")

    @cached_property
    def ecs(self) -> Any:
        """The client for Amazon ECS: clusters, services and their tasks."""
        return self._client("ecs")

    @cached_property
    def quotas(self) -> Any:
        """The client for Service Quotas: the account's quotas."""
        return self._client("service-quotas")

    @cached_property
    def scheduler(self) -> Any:
        """The client for EventBridge Scheduler: groups of schedules."""
        return self._client("scheduler")

    @cached_property
    def sns(self) -> Any:
        """The client for Amazon SNS: topics and their subscriptions."""
        return self._client("sns")

    @cached_property
    def sqs(self) -> Any:
        """The client for Amazon SQS: queues."""
        return self._client("sqs")

    @cached_property
    def tagging(self) -> Any:
        """The client for the Resource Groups Tagging API: tags of resources of any service, by ARN."""
        return self._client("resourcegroupstaggingapi")

    @cached_property
    def sts(self) -> STSClient:
        """The client for AWS STS: the identity of the caller."""
        return self._client("sts")  # type: ignore[no-any-return]


def aws_clients(access: Access) -> Clients:
    """Return clients for AWS with the credentials of `access`.

    Raises `CicdError` if the profile does not exist. Raises `RefusedError` if this machine's configuration replaces the
    addresses of AWS services.
    """
    from cicd_templates.deploy.aws.sessions import session_for

    with _before_the_first_call():
        session = session_for(access)
    return Clients(session, access.region, profile=None if access.role_arn else access.profile)


@contextlib.contextmanager
def _before_the_first_call() -> Iterator[None]:
    """Within the `with` block, turn each `CredentialsError` into an ordinary error.

    The exit code of a `CredentialsError` would say that the user can continue the command. Before the first call to
    AWS, there is nothing to continue.
    """
    try:
        yield
    except MissingCodeError as error:
        raise NoTerminalError(str(error)) from None
    except CredentialsError as error:
        raise CicdError(str(error)) from None


def local_clients(endpoint_url: str, account: str, region: str, secret: str, token: str | None = None) -> Clients:
    """Return clients for the local AWS. `account` is the access key id, and `secret` is the secret access key.

    The local AWS uses an access key id of 12 digits as the account's id. For an assumed role, pass the role's access
    key id, secret access key and session token as `account`, `secret` and `token`. The clients do not use profiles, or
    credentials from environment variables.
    """
    import boto3
    import botocore.session

    # Read no profile and no configuration file, even if environment variables name one. The fields of each setting are
    # its key, its environment variable, its default and its conversion.
    nowhere = (None, None, os.devnull, None)
    bare = botocore.session.Session(
        {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
    )
    bare.register_component("data_loader", service_models())
    session = boto3.session.Session(account, secret, token, botocore_session=bare)
    return Clients(session, region, endpoint_url)


def session_clients(region: str, credentials: Mapping[str, Any]) -> Clients:
    """Return clients for AWS with temporary credentials from AssumeRole."""
    import boto3
    import botocore.session

    core = botocore.session.Session()
    core.register_component("data_loader", service_models())
    # Settings of this machine must not replace the addresses of AWS services.
    core.set_config_variable(IGNORE, True)
    core.set_credentials(*(str(credentials[name]) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")))
    return Clients(boto3.session.Session(botocore_session=core, region_name=region), region)


def local_clients_as(clients: Clients, role_arn: str) -> Clients:
    """Return clients for the local AWS that use the credentials of a role.

    The function uses `clients` to assume the role. Raises `CicdError` if the local AWS refuses this.
    """
    try:
        keys = clients.sts.assume_role(RoleArn=role_arn, RoleSessionName="cicd-templates")["Credentials"]
    except AWS_ERRORS as error:
        raise CicdError(explain(error)) from None
    return local_clients(
        str(clients.endpoint_url), keys["AccessKeyId"], clients.region, keys["SecretAccessKey"], keys["SessionToken"]
    )


def require_account(clients: Clients, account: str) -> str:
    """Return the caller's ARN.

    Raises `RefusedError` if the caller's account is not `account`. Raises `CicdError` with the remedy if the
    credentials do not work.
    """
    try:
        with _before_the_first_call():
            caller = clients.sts.get_caller_identity()
    except AWS_ERRORS as error:
        raise CicdError(explain(error)) from None
    if caller["Account"] != account:
        raise RefusedError(
            f"the credentials are for account {caller['Account']} ({caller['Arn']}), but these templates are for"
            f" {account}; use the profile of that account, or correct `account` in templates/environments.toml"
        )
    return caller["Arn"]


def explain(error: Exception) -> str:
    """Return the message of a boto3 error as a single line."""
    # Some errors have a code, but no message after the colon.
    return " ".join(str(error).split()).removesuffix(":")
