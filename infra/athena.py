"""Where Athena runs queries on the tables, and the queries that it has saved there."""

from dataclasses import dataclass
from pathlib import Path

from aws_cdk.aws_athena import CfnNamedQuery, CfnWorkGroup
from aws_cdk.aws_glue import CfnDatabase
from aws_cdk.aws_s3 import IBucket
from constructs import Construct

from infra.storage import QUERY_RESULTS

_FOLDER = Path(__file__).parent / "queries"


@dataclass(frozen=True, slots=True)
class Query:
    """A query as its file has it: the file's name, its first line's comment, and the whole text."""

    name: str
    description: str
    text: str


def read_queries() -> tuple[Query, ...]:
    """Read the queries that are saved, sorted by name."""
    texts = {path.stem: path.read_text() for path in sorted(_FOLDER.glob("*.sql"))}
    return tuple(Query(name, text.partition("\n")[0].removeprefix("-- "), text) for name, text in texts.items())


class Workgroup(Construct):
    """A workgroup with saved queries.

    Attributes:
        workgroup: Athena's workgroup; its reference is its name.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, bucket: IBucket, database: CfnDatabase
    ) -> None:
        """Make the workgroup and save the queries.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            name: one that the account and region do not have yet.
            bucket: where results go.
            database: which the queries are on.
        """
        super().__init__(scope, construct_id)
        self.workgroup = CfnWorkGroup(
            self,
            "Workgroup",
            name=name,
            description="Queries on the user pool inventory",
            # Else a stack whose workgroup was used once could not be removed.
            recursive_delete_option=True,
            work_group_configuration=CfnWorkGroup.WorkGroupConfigurationProperty(
                # A client's own settings could put results where they do not expire.
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=False,
                engine_version=CfnWorkGroup.EngineVersionProperty(selected_engine_version="Athena engine version 3"),
                result_configuration=CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{bucket.bucket_name}/{QUERY_RESULTS}/",
                    encryption_configuration=CfnWorkGroup.EncryptionConfigurationProperty(encryption_option="SSE_S3"),
                ),
            ),
        )
        for query in read_queries():
            CfnNamedQuery(
                self,
                "".join(word.capitalize() for word in query.name.split("_")),
                name=query.name,
                description=query.description,
                query_string=query.text,
                database=database.ref,
                work_group=self.workgroup.ref,
            )
