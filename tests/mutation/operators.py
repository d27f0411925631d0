"""Ways to make a rendered resource worse, each tried wherever it applies.

An operator is given a resource and yields edits of it: where, and a function that changes a copy. What it worsens is a
fact that some check has to hold; an operator that finds nothing to worsen yields nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cicd_templates.rules.encryption_by_type import KEY_OF
from cicd_templates.rules.physical_names import NAME_PROPERTIES
from cicd_templates.rules.policy_statements import IDENTITY_POLICIES, RESOURCE_POLICIES, TRUST_POLICIES
from cicd_templates.rules.public_buckets import PUBLIC_ACCESS_BLOCKS
from cicd_templates.rules.trust_policies import SERVICES_WITH_SOURCE_KEYS
from tests.mutation.edits import Edit, Place, Resource, allowing, at, drop, properties, put, rename


def keys_dropped(place: Place) -> Iterator[Edit]:
    """Encryption without the customer's key, or with AWS's own."""
    for known in KEY_OF.get(place.type, ()):
        for path, _ in properties(place, *known.replace(" > ", "/").split("/")):
            yield drop(path)
            yield put(path, "alias/aws/managed")


def bucket_encryption(place: Place) -> Iterator[Edit]:
    """Each bucket under the algorithm that is wrong for it, or under none."""
    for path, value in properties(
        place, "BucketEncryption", "ServerSideEncryptionConfiguration", "*", "ServerSideEncryptionByDefault"
    ):
        if value["SSEAlgorithm"] == "AES256":
            yield put(path, {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Ref": "KeyArn"}})
        else:
            yield put(path, {"SSEAlgorithm": "AES256"})
    for path, _ in properties(place, "BucketEncryption"):
        yield drop(path)


def tls_denials_dropped(place: Place) -> Iterator[Edit]:
    """Policies that no longer refuse what comes without TLS, and no policy at all."""
    if place.type in RESOURCE_POLICIES:
        for path, statement in properties(place, *RESOURCE_POLICIES[place.type], "Statement", "*"):
            if statement["Effect"] == "Deny" and "Bool" in statement.get("Condition", {}):
                yield drop(path)
                yield put((*path, "Effect"), "Allow")
                yield put((*path, "Condition", "Bool", "aws:SecureTransport"), "true")
                yield put((*path, "Principal"), {"AWS": {"Ref": "AWS::AccountId"}})
    if place.is_a("S3::BucketPolicy", "SNS::TopicPolicy", "SQS::QueuePolicy"):
        yield Edit("all of it", None)


def plain_listeners(place: Place) -> Iterator[Edit]:
    """Listeners without TLS, where data is protected."""
    if place.is_a("ElasticLoadBalancingV2::Listener") and place.facts["Protection"] == "protected":
        yield put(("Properties", "Protocol"), "HTTP")


def secrets_written(place: Place) -> Iterator[Edit]:
    """A secret by its shape, and one by the name of its variable."""
    if place.is_a("Lambda::Function"):
        yield put(("Properties", "Environment"), {"Variables": {"API_TOKEN": "correct-horse"}})
        yield put(("Properties", "Description"), "AKIA" + "ABCDEFGHIJKLMNOP")
    for path, _ in properties(place, "Environment", "EnvironmentVariables", "*", "Value"):
        yield put(path[:-1], {"Name": "DB_PASSWORD", "Type": "PLAINTEXT", "Value": "correct-horse"})
    for path, _ in properties(place, "ContainerDefinitions", "*", "Environment", "*"):
        yield put(path, {"Name": "DB_PASSWORD", "Value": "correct-horse"})


def actions_widened(place: Place) -> Iterator[Edit]:
    """A grant of a whole service, of a pattern, of everything."""
    for path, statement in allowing(place, IDENTITY_POLICIES, TRUST_POLICIES, RESOURCE_POLICIES):
        service, _, action = statement["Action"][0].partition(":")
        for wider in (f"{service}:*", f"{service}:{action[:3]}*", "*"):
            yield put((*path, "Action", 0), wider)


def resources_widened(place: Place) -> Iterator[Edit]:
    """A role's grant on everything, and reasons that are gone."""
    for path, statement in allowing(place, IDENTITY_POLICIES):
        if "*" not in statement["Resource"]:
            yield put((*path, "Resource"), ["*"])
            yield put((*path, "Resource", 0), {"Fn::Sub": "arn:${AWS::Partition}:*:*:*:*"})
        else:
            yield drop(("Metadata", "Why"))


def negated(place: Place) -> Iterator[Edit]:
    """What is named turned into all but what is named."""
    for path, statement in allowing(place, IDENTITY_POLICIES, TRUST_POLICIES, RESOURCE_POLICIES):
        for key in ("Action", "Resource", "Principal"):
            if key in statement:
                yield rename((*path, key), f"Not{key}")


def managed_policies(place: Place) -> Iterator[Edit]:
    """AWS's own policies on roles."""
    if place.is_a("IAM::Role"):
        yield put(("Properties", "ManagedPolicyArns"), ["arn:aws:iam::aws:policy/ReadOnlyAccess"])
        yield put(
            ("Properties", "ManagedPolicyArns"), [{"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/PowerUserAccess"}]
        )


def codecommit(place: Place) -> Iterator[Edit]:
    """CodeCommit, by a permission, a source or a repository."""
    for path, _ in allowing(place, IDENTITY_POLICIES):
        yield put((*path, "Action", 0), "codecommit:GitPull")
    for path, kind in properties(place, "Stages", "*", "Actions", "*", "ActionTypeId"):
        if kind["Category"] == "Source":
            yield put((*path, "Provider"), "CodeCommit")
    if place.is_a("ECR::Repository"):
        yield Edit("a repository of CodeCommit", lambda body: body.update(Type="AWS::CodeCommit::Repository"))


def trust_opened(place: Place) -> Iterator[Edit]:
    """Roles for whomever a service acts for, for every role of another account, for everybody."""
    for path, statement in allowing(place, TRUST_POLICIES):
        yield put((*path, "Principal"), "*")
        yield put((*path, "Principal"), {"AWS": "*"})
        if "Condition" in statement:
            yield drop((*path, "Condition"))
        if SERVICES_WITH_SOURCE_KEYS & {statement["Principal"].get("Service")}:
            weaker = {f"{operator}IfExists": keys for operator, keys in statement["Condition"].items()}
            yield put((*path, "Condition"), weaker)


def resource_policies_opened(place: Place) -> Iterator[Edit]:
    """Resources for everybody, and for whomever a service acts for."""
    for path, statement in allowing(place, RESOURCE_POLICIES):
        if "Condition" in statement:
            yield drop((*path, "Condition"))
        open_to_all = {key: value for key, value in statement.items() if key != "Condition"} | {"Principal": "*"}
        yield put(path, open_to_all)
    if place.is_a("Lambda::Permission"):

        def without_source(body: Resource) -> None:
            for key in ("SourceAccount", "SourceArn"):
                body["Properties"].pop(key, None)

        yield Edit("without a source", without_source)


def pass_role_widened(place: Place) -> Iterator[Edit]:
    """Roles passed to any service, and any role passed."""
    for path, statement in allowing(place, IDENTITY_POLICIES):
        if "iam:PassRole" in statement["Action"]:
            yield drop((*path, "Condition"))
            yield put((*path, "Resource", 0), {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*"})


def boundary_dropped(place: Place) -> Iterator[Edit]:
    """Roles without the boundary or path that their environment demands."""
    if place.is_a("IAM::Role"):
        for fact, key in (("PermissionsBoundary", "PermissionsBoundary"), ("RolePath", "Path")):
            if fact in place.facts:
                yield drop(("Properties", key))


def tags_removed(place: Place) -> Iterator[Edit]:
    """Each tag in turn, and all of them."""
    tags = place.body["Properties"].get("Tags")
    required = place.facts["StackTags"]
    if tags:
        yield drop(("Properties", "Tags"))
        for index, tag in enumerate(tags):
            # A list has keys and values, a map has them itself; a tag besides the required ones may go.
            key, path = (tag["Key"], index) if isinstance(tag, dict) else (tag, tag)
            if key in required:
                yield drop(("Properties", "Tags", path))


def names_generic(place: Place) -> Iterator[Edit]:
    """Names that do not say which environment they are of."""
    key = NAME_PROPERTIES.get(place.type, "")
    name = place.body["Properties"].get(key)
    if isinstance(name, str) and place.facts["Environment"] in name:
        yield put(("Properties", key), name.replace(place.facts["Environment"], "shared"))


def buckets_opened(place: Place) -> Iterator[Edit]:
    """Each public access block in turn, and all of them."""
    if place.is_a("S3::Bucket"):
        yield drop(("Properties", "PublicAccessBlockConfiguration"))
        for block in PUBLIC_ACCESS_BLOCKS:
            yield put(("Properties", "PublicAccessBlockConfiguration", block), False)
            yield drop(("Properties", "PublicAccessBlockConfiguration", block))


def groups_opened(place: Place) -> Iterator[Edit]:
    """Everybody let in, on any port."""
    rules = [path for path, _ in properties(place, "SecurityGroupIngress", "*")]
    if place.is_a("EC2::SecurityGroup"):
        everybody = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0", "Description": "ssh"}
        yield put(("Properties", "SecurityGroupIngress"), [everybody])
    if place.is_a("EC2::SecurityGroupIngress"):
        rules = [("Properties",)]
    for rule in rules:
        for key, everywhere in (("CidrIp", "0.0.0.0/0"), ("CidrIpv6", "::/0")):
            opened = {name: value for name, value in at(place.body, rule).items() if name != "SourceSecurityGroupId"}
            yield put(rule, opened | {"IpProtocol": "-1", key: everywhere})
            yield put(rule, opened | {"FromPort": 1, "ToPort": 65535, key: everywhere})


def data_given_away(place: Place) -> Iterator[Edit]:
    """Data that goes with its stack or with its replacement."""
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if policy in place.body:
            yield drop((policy,))
            if place.body[policy] != "Delete":
                yield put((policy,), "Delete")


def logs_lost(place: Place) -> Iterator[Edit]:
    """Logs kept for ever, for a day, or wherever a service puts them."""
    if place.is_a("Logs::LogGroup"):
        yield drop(("Properties", "RetentionInDays"))
        if place.facts["Protection"] == "protected":
            yield put(("Properties", "RetentionInDays"), 1)
    for keys in (("LoggingConfig",), ("LogsConfig",)):
        if place.is_a("Lambda::Function", "CodeBuild::Project"):
            for path, _ in properties(place, *keys):
                yield drop(path)
    for path, _ in properties(place, "ContainerDefinitions", "*", "LogConfiguration"):
        yield drop(path)
        yield put((*path, "Options", "awslogs-create-group"), "true")


def timeouts_unset(place: Place) -> Iterator[Edit]:
    """What may hang without an end."""
    if place.is_a("Lambda::Function", "CodeBuild::Project"):
        for key in ("Timeout", "TimeoutInMinutes", "QueuedTimeoutInMinutes"):
            for path, _ in properties(place, key):
                yield drop(path)
    for path, action in properties(place, "Stages", "*", "Actions", "*"):
        if action["ActionTypeId"]["Category"] == "Approval":
            yield drop((*path, "TimeoutInMinutes"))


def alarms_silenced(place: Place) -> Iterator[Edit]:
    """Alarms that nobody hears."""
    if place.is_a("CloudWatch::Alarm", "CloudWatch::CompositeAlarm"):
        yield drop(("Properties", "AlarmActions"))
        yield put(("Properties", "AlarmActions"), [])
        yield put(("Properties", "ActionsEnabled"), False)
    for path, _ in properties(place, "TreatMissingData"):
        yield drop(path)


def outdated(place: Place) -> Iterator[Edit]:
    """Runtimes and images that nobody keeps up, or that are another one tomorrow."""
    for path, _ in properties(place, "Runtime"):
        yield put(path, "python3.8")
    if place.is_a("CodeBuild::Project"):
        yield put(("Properties", "Environment", "Image"), "aws/codebuild/standard:4.0")
        yield put(("Properties", "Environment", "Image"), "public.ecr.aws/docker/library/python:latest")


def ways_around(place: Place) -> Iterator[Edit]:
    """Pipelines without gate, locks or approval."""
    if not place.is_a("CodePipeline::Pipeline"):
        return
    stages = place.body["Properties"]["Stages"]
    yield put(("Properties", "PipelineType"), "V1")
    gate = next(index for index, stage in enumerate(stages) if stage["Name"] == "Gate")
    yield drop(("Properties", "Stages", gate))
    retried = {"Result": "RETRY", "RetryConfiguration": {"RetryMode": "FAILED_ACTIONS"}}
    yield put(("Properties", "Stages", gate, "OnFailure"), retried)
    later = [*stages[:gate], *stages[gate + 1 :], stages[gate]]
    yield put(("Properties", "Stages"), later)
    for path, _ in properties(place, "Stages", "*", "BeforeEntry"):
        yield drop(path)
        yield put((*path, "Conditions", 0, "Result"), "SKIP")
        rule = (*path, "Conditions", 0, "Rules", 0)
        yield put((*rule, "Configuration", "Operator"), "NE")
        yield put((*rule, "Configuration", "Variable"), "#{App.VersionId}")
        yield put((*rule, "RuleTypeId", "Provider"), "DeploymentWindow")
    for path, action in properties(place, "Stages", "*", "Actions", "*"):
        if action["ActionTypeId"]["Category"] == "Approval":
            yield drop(path)
            yield put((*path, "RunOrder"), 99)


def code_altered(place: Place) -> Iterator[Edit]:
    """Other code than the reviewed one, and code from nowhere."""
    for path, code in properties(place, "Code", "ZipFile"):
        yield put(path, f"{code}# and one line more\n")
        yield drop(("Metadata", "Why"))


def suppressed(place: Place) -> Iterator[Edit]:
    """Rules switched off without a word."""
    settings = {"config": {"ignore_checks": ["E9101", "E9111", "E9171"]}}
    yield put(("Metadata",), {**place.body.get("Metadata", {}), "cfn-lint": settings})


def too_large(place: Place) -> Iterator[Edit]:
    """The first templates larger than one request."""
    if place.facts["Layer"] in ("keys", "storage"):
        yield put(("Metadata",), {**place.body.get("Metadata", {}), "Padding": "x" * 52_000})


OPERATORS: tuple[Callable[[Place], Iterator[Edit]], ...] = (
    keys_dropped,
    bucket_encryption,
    tls_denials_dropped,
    plain_listeners,
    secrets_written,
    actions_widened,
    resources_widened,
    negated,
    managed_policies,
    codecommit,
    trust_opened,
    resource_policies_opened,
    pass_role_widened,
    boundary_dropped,
    tags_removed,
    names_generic,
    buckets_opened,
    groups_opened,
    data_given_away,
    logs_lost,
    timeouts_unset,
    alarms_silenced,
    outdated,
    ways_around,
    code_altered,
    suppressed,
    too_large,
)
