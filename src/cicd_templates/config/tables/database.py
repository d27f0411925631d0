"""The table `[databases.<name>]`: an Aurora PostgreSQL database."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from cicd_templates.config.tables.field_types import matching
from cicd_templates.config.tables.table import Table


def _in_half_steps(value: float) -> float:
    if value * 2 != int(value * 2):
        raise ValueError(f"{value} is not possible; use steps of 0.5, such as 0.5, 1 or 1.5")
    return value


Capacity = Annotated[float, Field(le=256), AfterValidator(_in_half_steps)]
PostgresName = Annotated[
    str,
    matching(
        r"[a-z][a-z0-9_]*", "use lower-case letters, digits and underscores, beginning with a letter, such as pay", 63
    ),
]


class DatabaseTable(Table):
    """`[databases.<name>]`: a database; `[environments.<name>.databases.<database>]` overrides it in one environment.

    A service uses the database if `[services.<name>.uses]` has the database's name as a key. The value of this key is
    `read` or `readwrite`.
    """

    database_name: PostgresName | None = Field(
        default=None,
        description="Name of the database in the cluster; by default the table's name with underscores instead of"
        " hyphens. It cannot be changed after the first deployment",
    )
    version: Literal["16", "17"] = Field(
        default="17", description="Major version of PostgreSQL; RDS chooses and upgrades the minor version"
    )
    users: Literal["by hand", "created"] = Field(
        default="by hand",
        description='Who creates the database users of services: a person (`"by hand"`), or the pipeline in the first'
        ' step of each release to an environment (`"created"`, which also enables the RDS Data API)',
    )
    min_capacity: Annotated[Capacity, Field(ge=0.5)] = Field(
        default=0.5, description="Smallest capacity of each instance, in Aurora capacity units (ACU) of 2 GiB of memory"
    )
    max_capacity: Annotated[Capacity, Field(ge=1)] = Field(
        default=4.0,
        description="Largest capacity of each instance, in ACU; an alarm notifies operations if the capacity comes"
        " close to this limit",
    )
    instances: Annotated[int, Field(ge=1, le=15)] | None = Field(
        default=None,
        description="Number of instances, which RDS places in different zones; default: 2 in a protected environment"
        " (if one fails, the other replaces it), 1 in all others",
    )
    backup_days: Annotated[int, Field(ge=1, le=35)] | None = Field(
        default=None,
        description="Number of past days for which RDS can restore the database to any second; default: 35 in a"
        " protected environment, otherwise 1",
    )
    port: Annotated[int, Field(ge=1150, le=65535)] = Field(
        default=5432,
        description="TCP port of the database. For an existing database from `provided`, set the port of that database",
    )
    connections: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="An alarm notifies operations if an instance has more than this number of connections; default: 150"
        " per ACU of `max_capacity`, at most 1600",
    )

    def name_in_cluster(self, name: str) -> str:
        """Return the name of this database in its cluster. `name` is the database's key in the table `[databases]`."""
        return self.database_name or name.replace("-", "_")
