"""Creates DynamoDB tables, and IAM grants for roles that use a table.

Tables are encrypted and backed up, and refuse requests without TLS.
"""

from __future__ import annotations

from awacs import dynamodb as actions
from awacs.aws import Bool, Principal
from troposphere import Sub, cloudwatch, dynamodb, encode_to_dict

from cicd_templates.blocks.alarms import Metric, alarm
from cicd_templates.blocks.keys import DECRYPTION, ENCRYPTION, may_use_through
from cicd_templates.blocks.removal_policies import stateful
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import physical_name, title, variable_name
from cicd_templates.config.tables.dynamodb import DynamoDbTable
from cicd_templates.layer.iam import Grant, allow, deny, document
from cicd_templates.layer.offers import Offer
from cicd_templates.layer.outputs import KeyArn, Output, TableArn, TableName, TopicArn
from cicd_templates.layer.template import LayerTemplate

READING = [
    actions.BatchGetItem,
    actions.ConditionCheckItem,
    actions.DescribeTable,
    actions.GetItem,
    actions.Query,
    actions.Scan,
]
WRITING = [actions.BatchWriteItem, actions.DeleteItem, actions.PutItem, actions.UpdateItem]
ATTRIBUTE_TYPES = {"string": "S", "number": "N", "binary": "B"}


def encrypted_table(
    logical_id: str, env: Environment, key: KeyArn, name: str, settings: DynamoDbTable
) -> dynamodb.Table:
    """Return the table `name`, with on-demand capacity and point-in-time recovery within the last 35 days.

    In a protected environment, deletion protection is on, and the table is kept when its stack is deleted.
    """
    keys = {settings.partition_key: ("HASH", settings.partition_key_type)}
    if settings.sort_key is not None:
        keys[settings.sort_key] = ("RANGE", settings.sort_key_type)
    table = dynamodb.Table(
        logical_id,
        TableName=physical_name(env, "AWS::DynamoDB::Table", name),
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            dynamodb.AttributeDefinition(AttributeName=attribute, AttributeType=ATTRIBUTE_TYPES[kind])
            for attribute, (_, kind) in keys.items()
        ],
        KeySchema=[dynamodb.KeySchema(AttributeName=attribute, KeyType=role) for attribute, (role, _) in keys.items()],
        SSESpecification=dynamodb.SSESpecification(SSEEnabled=True, SSEType="KMS", KMSMasterKeyId=key),
        PointInTimeRecoverySpecification=dynamodb.PointInTimeRecoverySpecification(PointInTimeRecoveryEnabled=True),
        DeletionProtectionEnabled=env.protected,
        # troposphere accepts only a dict here.
        ResourcePolicy=dynamodb.ResourcePolicy(
            PolicyDocument=encode_to_dict(document([_refuse_without_tls(env, name)]))
        ),
    )
    if settings.expires_at is not None:
        table.TimeToLiveSpecification = dynamodb.TimeToLiveSpecification(
            AttributeName=settings.expires_at, Enabled=True
        )
    return stateful(table, env)


def _refuse_without_tls(env: Environment, name: str) -> Grant:
    table = f"dynamodb:{env.region}:{env.account}:table/{physical_name(env, 'AWS::DynamoDB::Table', name)}"
    return deny(
        "RefuseWithoutTls",
        [*READING, *WRITING],
        on=Sub(f"arn:${{AWS::Partition}}:{table}"),
        to=Principal("*"),
        when=[Bool({"aws:SecureTransport": "false"})],
    )


def throttle_alarms(
    env: Environment, name: str, table: dynamodb.Table, operations: TopicArn
) -> tuple[cloudwatch.Alarm, cloudwatch.Alarm]:
    """Return two alarms, on throttled reads and on throttled writes, that notify `operations`.

    Each fires if DynamoDB throttles requests in two periods of 5 minutes.
    """

    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    def throttled(what: str) -> cloudwatch.Alarm:
        metric = Metric("AWS/DynamoDB", f"{what}ThrottleEvents", {"TableName": table.ref()}, statistic="Sum")
        description = f"DynamoDB refused {what.lower()}s of the table {name} because there were too many"
        return alarm(
            f"{title(name)}{what}Throttles",
            env,
            [name, what.lower(), "throttles"],
            description,
            metric,
            above=0,
            tell=[operations],
            periods=2,
        )

    return throttled("Read"), throttled("Write")


def table_offer(name: str, table_name: Output[TableName], arn: Output[TableArn], key: Output[KeyArn]) -> Offer:
    """Return the `Offer` of a DynamoDB table: IAM grants for `read` or `readwrite` access, and one variable.

    The variable, such as `PAYMENTS_TABLE_NAME`, contains the table's name. The table is encrypted with `key`.
    """

    # DynamoDB uses the key on behalf of its callers. AWS does not document which call needs which permission, so these
    # are the permissions that the AWS CDK grants for the same access, limited to requests through DynamoDB.
    def read(layer: LayerTemplate) -> list[Grant]:
        return [
            allow(f"Read{title(name)}", READING, on=layer.read(arn)),
            may_use_through(f"Decrypt{title(name)}", layer.env, ["dynamodb"], DECRYPTION, layer.read(key)),
        ]

    def readwrite(layer: LayerTemplate) -> list[Grant]:
        return [
            allow(f"ReadAndWrite{title(name)}", [*READING, *WRITING], on=layer.read(arn)),
            may_use_through(f"Encrypt{title(name)}", layer.env, ["dynamodb"], ENCRYPTION, layer.read(key)),
        ]

    return Offer(name, {variable_name(name, "table", "name"): table_name}, {"read": read, "readwrite": readwrite})
