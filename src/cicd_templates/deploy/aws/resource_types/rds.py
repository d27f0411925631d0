"""Finds RDS databases, parameter groups and subnet groups by name. Finds and deletes snapshots of clusters."""

from __future__ import annotations

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import (
    EXISTS,
    NOT_FOUND_CODES,
    DeletionProtection,
    ExistingResource,
    Find,
    Leftover,
    ResourceOperations,
    first_of,
    tags_as_mapping,
    unless_not_found,
)

# CloudFormation has no resource type for snapshots. Only the lists of this program use this name.
CLUSTER_SNAPSHOT = "AWS::RDS::DBClusterSnapshot"


def _is_cluster_protected(clients: Clients, cluster: str) -> bool:
    (found,) = clients.rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"]
    return bool(found["DeletionProtection"])


def _lift_cluster_protection(clients: Clients, cluster: str) -> str:
    """Switch off the deletion protection of a database cluster, and return a text that says what was done.

    If the protection is already off, ModifyDBCluster is not called. RDS would refuse the call for a cluster in some
    states.
    """
    try:
        (found,) = clients.rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"]
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_FOUND_CODES:
            return "it no longer exists"
        raise
    if not found["DeletionProtection"]:
        return "the deletion protection is off"
    clients.rds.modify_db_cluster(DBClusterIdentifier=cluster, DeletionProtection=False, ApplyImmediately=True)
    return "switched off the deletion protection"


def _find_cluster(clients: Clients, name: str) -> ExistingResource | None:
    (cluster,) = clients.rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    return ExistingResource(cluster["DBClusterArn"], tags_as_mapping(cluster.get("TagList", ())))


def _find_instance(clients: Clients, name: str) -> ExistingResource | None:
    (instance,) = clients.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    return ExistingResource(instance["DBInstanceArn"], tags_as_mapping(instance.get("TagList", ())))


def _find_parameter_group(clients: Clients, name: str) -> ExistingResource | None:
    answer = clients.rds.describe_db_cluster_parameter_groups(DBClusterParameterGroupName=name)
    return first_of(answer["DBClusterParameterGroups"], "DBClusterParameterGroupArn")


def _find_subnet_group(clients: Clients, name: str) -> ExistingResource | None:
    answer = clients.rds.describe_db_subnet_groups(DBSubnetGroupName=name)
    return first_of(answer["DBSubnetGroups"], "DBSubnetGroupArn")


def _cluster_state(clients: Clients, name: str) -> str:
    (cluster,) = clients.rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    return "RDS is deleting it" if cluster["Status"] == "deleting" else EXISTS


def _snapshot_state(clients: Clients, name: str) -> str:
    """Return the state of a manual snapshot, or "" for an automated one, which RDS deletes with its cluster."""
    answer = clients.rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=name, SnapshotType="manual")
    return EXISTS if answer["DBClusterSnapshots"] else ""


def _delete_snapshot(clients: Clients, name: str) -> None:
    clients.rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)


def _deleted_with(command: str, find: Find) -> ResourceOperations:
    return ResourceOperations(find=find, delete_command=f"rds {command} {{name}}")


OPERATIONS = {
    "AWS::RDS::DBCluster": ResourceOperations(
        find=_find_cluster,
        delete_command="rds delete-db-cluster --skip-final-snapshot --db-cluster-identifier {name}",
        leftover=Leftover(
            why="If somebody deletes the stack of a database by hand, but retains the cluster, AWS also keeps the"
            " cluster's instances and subnets.",
            removal="`aws rds modify-db-cluster --region {region} --no-deletion-protection --db-cluster-identifier"
            " {name}`, delete its instances, then `aws rds delete-db-cluster --region {region} --skip-final-snapshot"
            " --db-cluster-identifier {name}`",
            state=unless_not_found(_cluster_state, ""),
        ),
        protection=DeletionProtection(
            unless_not_found(_is_cluster_protected, missing=False),
            _lift_cluster_protection,
            "aws rds modify-db-cluster --region {region} --db-cluster-identifier {name} --no-deletion-protection"
            " --apply-immediately",
        ),
    ),
    "AWS::RDS::DBInstance": _deleted_with("delete-db-instance --db-instance-identifier", _find_instance),
    "AWS::RDS::DBClusterParameterGroup": _deleted_with(
        "delete-db-cluster-parameter-group --db-cluster-parameter-group-name", _find_parameter_group
    ),
    "AWS::RDS::DBSubnetGroup": _deleted_with("delete-db-subnet-group --db-subnet-group-name", _find_subnet_group),
    CLUSTER_SNAPSHOT: ResourceOperations(
        leftover=Leftover(
            why="The database of a protected environment leaves a final snapshot when its stack is deleted, and"
            " somebody may have made more snapshots by hand.",
            removal="`aws rds delete-db-cluster-snapshot --region {region} --db-cluster-snapshot-identifier {name}`",
            state=unless_not_found(_snapshot_state, ""),
            delete=_delete_snapshot,
            kept_when_protected=True,
        ),
    ),
}
