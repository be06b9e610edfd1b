"""Where Athena runs queries on the tables, and the queries that it has saved there."""

from aws_cdk.aws_athena import CfnNamedQuery, CfnWorkGroup
from aws_cdk.aws_glue import CfnDatabase
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_s3 import IBucket
from constructs import Construct

from infra.saved import Query, read_queries
from infra.storage import QUERY_RESULTS


def athena_queries(*, of_organization: bool = True) -> tuple[Query, ...]:
    """Read the queries that are saved, sorted by name.

    Args:
        of_organization: whether those of an organization are among them.
    """
    return read_queries(suffix=".sql", comment="-- ", of_organization=of_organization)


class Workgroup(Construct):
    """A workgroup with saved queries.

    Attributes:
        workgroup: Athena's workgroup; its reference is its name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        bucket: IBucket,
        database: CfnDatabase,
        encryption_key: IKey | None,
        of_organization: bool,
    ) -> None:
        """Make the workgroup and save the queries.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            name: one that the account and region do not have yet.
            bucket: where results go.
            database: which the queries are on.
            encryption_key: what encrypts results; None leaves that to S3's own key.
            of_organization: whether there are several accounts.
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
                    encryption_configuration=CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS" if encryption_key else "SSE_S3",
                        kms_key=encryption_key.key_arn if encryption_key else None,
                    ),
                ),
            ),
        )
        for query in athena_queries(of_organization=of_organization):
            CfnNamedQuery(
                self,
                query.construct_id,
                name=query.name,
                description=query.description,
                query_string=query.text,
                database=database.ref,
                work_group=self.workgroup.ref,
            )
