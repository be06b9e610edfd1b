"""What Glue's catalog says of the bucket, so that Athena and Spark find tables in it.

No crawler and no partition to add: Athena projects the days from the table's own properties.
https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk.aws_glue import CfnDatabase, CfnTable
from aws_cdk.aws_s3 import IBucket
from constructs import Construct
from pool_inventory.snapshots import keys, schema
from pool_inventory.snapshots.schema import Column

# No snapshot is older than this program. Athena looks at each day in between where a query names none.
_FIRST_DAY = "2026-01-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: its folder under the prefix, whether it has a partition for each day, and who alone has it."""

    name: str
    folder: str
    columns: tuple[Column, ...]
    by_day: bool
    meaning: str
    of_organization: bool = False


def _folder(key: str) -> str:
    return key.rpartition("/")[0]


TABLES = (
    Table(
        name="user_pools",
        folder=keys.DATA,
        columns=schema.DATA,
        by_day=True,
        meaning="What each snapshot read: a row for each pool of each target that was read whole",
    ),
    Table(
        name="user_pools_carried",
        folder=keys.CARRIED,
        columns=schema.DATA,
        by_day=True,
        meaning="What each snapshot did not read: the last known row of each pool of such targets",
    ),
    Table(
        name="user_pools_latest",
        folder=_folder(keys.LATEST_DATA),
        columns=schema.DATA,
        by_day=False,
        meaning="What is known now: the newest snapshot's rows, read or carried; read_at says as of when",
    ),
    Table(
        name="coverage",
        folder=keys.COVERAGE,
        columns=schema.COVERAGE,
        by_day=True,
        meaning="What each snapshot asked: a row for each target, and how reading it went",
    ),
    Table(
        name="coverage_latest",
        folder=_folder(keys.LATEST_COVERAGE),
        columns=schema.COVERAGE,
        by_day=False,
        meaning="What the newest snapshot asked: a row for each target, and how reading it went",
    ),
    Table(
        name="accounts",
        folder=keys.ACCOUNTS,
        columns=schema.ACCOUNTS,
        by_day=True,
        meaning="Whose pools they are: a row for each account of the organization",
        of_organization=True,
    ),
    Table(
        name="changes",
        folder=keys.CHANGES,
        columns=schema.CHANGES,
        by_day=True,
        meaning="What changed: a row for each pool created, deleted or modified since its target was last read",
    ),
)


class Catalog(Construct):
    """A database with the tables.

    Attributes:
        database: Glue's database; its reference is its name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        database_name: str,
        bucket: IBucket,
        prefix: str,
        of_organization: bool,
    ) -> None:
        """Make the database and its tables.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            database_name: one that the account does not have yet.
            bucket: where snapshots are.
            prefix: their key prefix, without a slash at either end.
            of_organization: whether there are several accounts.
        """
        super().__init__(scope, construct_id)
        self.database = CfnDatabase(
            self,
            "Database",
            catalog_id=Aws.ACCOUNT_ID,
            database_input=CfnDatabase.DatabaseInputProperty(
                name=database_name, description="Every Amazon Cognito user pool of the account"
            ),
        )
        for table in TABLES:
            if table.of_organization and not of_organization:
                continue
            CfnTable(
                self,
                "".join(word.capitalize() for word in table.name.split("_")),
                catalog_id=Aws.ACCOUNT_ID,
                database_name=self.database.ref,
                table_input=_table_input(table, f"s3://{bucket.bucket_name}/{prefix}/{table.folder}/"),
            )


def _table_input(table: Table, location: str) -> CfnTable.TableInputProperty:
    day = CfnTable.ColumnProperty(name="dt", type="string", comment="the day of snapshot_time, in UTC")
    return CfnTable.TableInputProperty(
        name=table.name,
        description=table.meaning,
        table_type="EXTERNAL_TABLE",
        parameters={"EXTERNAL": "TRUE", "classification": "parquet", **(_by_day(location) if table.by_day else {})},
        partition_keys=[day] if table.by_day else None,
        storage_descriptor=CfnTable.StorageDescriptorProperty(
            location=location,
            columns=[
                CfnTable.ColumnProperty(name=column.name, type=schema.glue_type(column), comment=column.meaning)
                for column in table.columns
            ],
            # https://docs.aws.amazon.com/athena/latest/ug/parquet-serde.html
            input_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            output_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            serde_info=CfnTable.SerdeInfoProperty(
                serialization_library="org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
            ),
        ),
    )


def _by_day(location: str) -> Mapping[str, str]:
    """Return the properties by which Athena projects a partition for each day.

    Source: https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
    """
    return {
        "projection.enabled": "true",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": f"{_FIRST_DAY},NOW",
        "projection.dt.interval": "1",
        "projection.dt.interval.unit": "DAYS",
        # Athena fills in the day. CloudFormation does not: it joins the parts, and only Fn::Sub looks for ${}.
        "storage.location.template": f"{location}dt=${{dt}}/",
    }
