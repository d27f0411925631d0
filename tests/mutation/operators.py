"""Operators: ways to make a rendered resource worse, each applied wherever it is possible.

An operator takes a resource and yields edits: a description, and a function that changes a copy. Each edit violates a
fact that some check must enforce. An operator that cannot make a resource worse yields nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cicd_templates.rules.physical_names import NAME_PROPERTIES
from cicd_templates.rules.policy_statements import IDENTITY_POLICIES, RESOURCE_POLICIES, TRUST_POLICIES
from cicd_templates.rules.public_buckets import PUBLIC_ACCESS_BLOCKS
from cicd_templates.rules.trust_policies import SERVICES_WITH_SOURCE_KEYS
from cicd_templates.template.encryption_by_type import KEY_OF
from tests.mutation.edits import Edit, Place, Resource, allowing, at, drop, properties, put, rename


def keys_dropped(place: Place) -> Iterator[Edit]:
    """Yield edits that encrypt without the customer managed key, or with a key that AWS manages."""
    for known in KEY_OF.get(place.type, ()):
        for path, _ in properties(place, *known.replace(" > ", "/").split("/")):
            yield drop(path)
            yield put(path, "alias/aws/managed")


def bucket_encryption(place: Place) -> Iterator[Edit]:
    """Yield edits that give a bucket the wrong encryption algorithm for its purpose, or none."""
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
    """Yield edits of policies that no longer deny requests without TLS, and edits that remove the policy."""
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
    """Yield edits of listeners that no longer use TLS, in protected environments."""
    if place.is_a("ElasticLoadBalancingV2::Listener") and place.facts["Protection"] == "protected":
        yield put(("Properties", "Protocol"), "HTTP")


def secrets_written(place: Place) -> Iterator[Edit]:
    """Yield edits with a secret that its format reveals, and with one that its variable's name reveals."""
    if place.is_a("Lambda::Function"):
        yield put(("Properties", "Environment"), {"Variables": {"API_TOKEN": "correct-horse"}})
        yield put(("Properties", "Description"), "AKIA" + "ABCDEFGHIJKLMNOP")
    for path, _ in properties(place, "Environment", "EnvironmentVariables", "*", "Value"):
        yield put(path[:-1], {"Name": "DB_PASSWORD", "Type": "PLAINTEXT", "Value": "correct-horse"})
    for path, _ in properties(place, "ContainerDefinitions", "*", "Environment", "*"):
        yield put(path, {"Name": "DB_PASSWORD", "Value": "correct-horse"})


def actions_widened(place: Place) -> Iterator[Edit]:
    """Yield edits that allow all actions of a service, a pattern of actions, or all actions."""
    for path, statement in allowing(place, IDENTITY_POLICIES, TRUST_POLICIES, RESOURCE_POLICIES):
        service, _, action = statement["Action"][0].partition(":")
        for wider in (f"{service}:*", f"{service}:{action[:3]}*", "*"):
            yield put((*path, "Action", 0), wider)


def resources_widened(place: Place) -> Iterator[Edit]:
    """Yield edits that allow a role's action on every resource, and edits that remove the reasons for that."""
    for path, statement in allowing(place, IDENTITY_POLICIES):
        if "*" not in statement["Resource"]:
            yield put((*path, "Resource"), ["*"])
            yield put((*path, "Resource", 0), {"Fn::Sub": "arn:${AWS::Partition}:*:*:*:*"})
        else:
            yield drop(("Metadata", "Why"))


def negated(place: Place) -> Iterator[Edit]:
    """Yield edits that replace actions, resources and principals by their negated elements."""
    for path, statement in allowing(place, IDENTITY_POLICIES, TRUST_POLICIES, RESOURCE_POLICIES):
        for key in ("Action", "Resource", "Principal"):
            if key in statement:
                yield rename((*path, key), f"Not{key}")


def managed_policies(place: Place) -> Iterator[Edit]:
    """Yield edits that attach AWS managed policies to roles."""
    if place.is_a("IAM::Role"):
        yield put(("Properties", "ManagedPolicyArns"), ["arn:aws:iam::aws:policy/ReadOnlyAccess"])
        yield put(
            ("Properties", "ManagedPolicyArns"), [{"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/PowerUserAccess"}]
        )


def codecommit(place: Place) -> Iterator[Edit]:
    """Yield edits that use CodeCommit: in a permission, in a source and as a repository."""
    for path, _ in allowing(place, IDENTITY_POLICIES):
        yield put((*path, "Action", 0), "codecommit:GitPull")
    for path, kind in properties(place, "Stages", "*", "Actions", "*", "ActionTypeId"):
        if kind["Category"] == "Source":
            yield put((*path, "Provider"), "CodeCommit")
    if place.is_a("ECR::Repository"):
        yield Edit("a repository of CodeCommit", lambda body: body.update(Type="AWS::CodeCommit::Repository"))


def trust_opened(place: Place) -> Iterator[Edit]:
    """Yield edits of trust policies: without source conditions, for all roles of another account, for everybody."""
    for path, statement in allowing(place, TRUST_POLICIES):
        yield put((*path, "Principal"), "*")
        yield put((*path, "Principal"), {"AWS": "*"})
        if "Condition" in statement:
            yield drop((*path, "Condition"))
        if SERVICES_WITH_SOURCE_KEYS & {statement["Principal"].get("Service")}:
            weaker = {f"{operator}IfExists": keys for operator, keys in statement["Condition"].items()}
            yield put((*path, "Condition"), weaker)


def resource_policies_opened(place: Place) -> Iterator[Edit]:
    """Yield edits of resource policies: for everybody, and for services without the source conditions."""
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
    """Yield edits that allow passing roles to any service, and passing any role."""
    for path, statement in allowing(place, IDENTITY_POLICIES):
        if "iam:PassRole" in statement["Action"]:
            yield drop((*path, "Condition"))
            yield put((*path, "Resource", 0), {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*"})


def boundary_dropped(place: Place) -> Iterator[Edit]:
    """Yield edits that remove the permissions boundary or the path that the environment requires."""
    if place.is_a("IAM::Role"):
        for fact, key in (("PermissionsBoundary", "PermissionsBoundary"), ("RolePath", "Path")):
            if fact in place.facts:
                yield drop(("Properties", key))


def tags_removed(place: Place) -> Iterator[Edit]:
    """Yield edits that remove one tag, for each tag, and an edit that removes all tags."""
    tags = place.body["Properties"].get("Tags")
    required = place.facts["StackTags"]
    if tags:
        yield drop(("Properties", "Tags"))
        for index, tag in enumerate(tags):
            # Tags are either a list of keys and values, or a map. Tags that are not required may be removed.
            key, path = (tag["Key"], index) if isinstance(tag, dict) else (tag, tag)
            if key in required:
                yield drop(("Properties", "Tags", path))


def names_generic(place: Place) -> Iterator[Edit]:
    """Yield edits of physical names that no longer contain the environment."""
    key = NAME_PROPERTIES.get(place.type, "")
    name = place.body["Properties"].get(key)
    if isinstance(name, str) and place.facts["Environment"] in name:
        yield put(("Properties", key), name.replace(place.facts["Environment"], "shared"))


def buckets_opened(place: Place) -> Iterator[Edit]:
    """Yield edits that remove each setting of the public access block, and an edit that removes the whole block."""
    if place.is_a("S3::Bucket"):
        yield drop(("Properties", "PublicAccessBlockConfiguration"))
        for block in PUBLIC_ACCESS_BLOCKS:
            yield put(("Properties", "PublicAccessBlockConfiguration", block), False)
            yield drop(("Properties", "PublicAccessBlockConfiguration", block))


def groups_opened(place: Place) -> Iterator[Edit]:
    """Yield edits of security groups that admit the whole internet, on any port."""
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


def containers_opened(place: Place) -> Iterator[Edit]:
    """Yield edits that give a container a tag, root, capabilities, privileges or a writable file system."""
    for path, _ in properties(place, "ContainerDefinitions", "*"):
        yield put((*path, "Image"), "public.ecr.aws/docker/library/python:3.12")
        yield put((*path, "User"), "0:0")
        yield drop((*path, "User"))
        yield put((*path, "Privileged"), True)
        yield drop((*path, "ReadonlyRootFilesystem"))
        yield drop((*path, "LinuxParameters"))
        yield put((*path, "LinuxParameters", "Capabilities", "Add"), ["SYS_PTRACE"])


def data_given_away(place: Place) -> Iterator[Edit]:
    """Yield edits that delete data with its stack or its replacement, and edits that no longer lock objects."""
    for path, _ in properties(place, "ObjectLockConfiguration"):
        yield drop(path)
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if policy in place.body:
            yield drop((policy,))
            if place.body[policy] != "Delete":
                yield put((policy,), "Delete")


def logs_lost(place: Place) -> Iterator[Edit]:
    """Yield edits of logs: kept for ever, kept for one day, or written to a log group that the service chooses."""
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
    """Yield edits that remove timeouts."""
    if place.is_a("Lambda::Function", "CodeBuild::Project"):
        for key in ("Timeout", "TimeoutInMinutes", "QueuedTimeoutInMinutes"):
            for path, _ in properties(place, key):
                yield drop(path)
    for path, action in properties(place, "Stages", "*", "Actions", "*"):
        if action["ActionTypeId"]["Category"] == "Approval":
            yield drop((*path, "TimeoutInMinutes"))


def alarms_silenced(place: Place) -> Iterator[Edit]:
    """Yield edits of alarms that notify nobody."""
    if place.is_a("CloudWatch::Alarm", "CloudWatch::CompositeAlarm"):
        yield drop(("Properties", "AlarmActions"))
        yield put(("Properties", "AlarmActions"), [])
        yield put(("Properties", "ActionsEnabled"), False)
    for path, _ in properties(place, "TreatMissingData"):
        yield drop(path)


def outdated(place: Place) -> Iterator[Edit]:
    """Yield edits that use runtimes and images that are not maintained or not pinned."""
    for path, _ in properties(place, "Runtime"):
        yield put(path, "python3.8")
    if place.is_a("CodeBuild::Project"):
        yield put(("Properties", "Environment", "Image"), "aws/codebuild/standard:4.0")
        yield put(("Properties", "Environment", "Image"), "public.ecr.aws/docker/library/python:latest")


def ways_around(place: Place) -> Iterator[Edit]:
    """Yield edits of pipelines without the gate, stage conditions or approval."""
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
    """Yield edits of inline code that differs from the reviewed source, and edits that replace inline code."""
    for path, code in properties(place, "Code", "ZipFile"):
        yield put(path, f"{code}# and one line more\n")
        yield drop(("Metadata", "Why"))


def suppressed(place: Place) -> Iterator[Edit]:
    """Yield edits that suppress rules without a reason."""
    settings = {"config": {"ignore_checks": ["E9101", "E9111", "E9171"]}}
    yield put(("Metadata",), {**place.body.get("Metadata", {}), "cfn-lint": settings})


def too_large(place: Place) -> Iterator[Edit]:
    """Yield edits that make the templates deployed first too large for one request."""
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
    containers_opened,
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
