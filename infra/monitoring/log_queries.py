"""The queries on the function's log that CloudWatch Logs Insights has saved."""

from aws_cdk.aws_logs import CfnQueryDefinition, ILogGroup
from constructs import Construct

from infra.saved import Query, read_queries


def log_queries(*, of_organization: bool = True) -> tuple[Query, ...]:
    """Read the queries that are saved, sorted by name.

    Args:
        of_organization: whether those of an organization are among them.
    """
    return read_queries(suffix=".logs", comment="# ", of_organization=of_organization)


class LogQueries(Construct):
    """A saved query for each file, in a folder that has the stack's name."""

    def __init__(
        self, scope: Construct, construct_id: str, *, folder: str, log_group: ILogGroup, of_organization: bool
    ) -> None:
        """Save the queries.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            folder: one that the account and region do not have yet.
            log_group: which they are on.
            of_organization: whether an organization's functions write it.
        """
        super().__init__(scope, construct_id)
        for query in log_queries(of_organization=of_organization):
            CfnQueryDefinition(
                self,
                query.construct_id,
                name=f"{folder}/{query.name.replace('_', ' ')}",
                query_string=query.text,
                log_group_names=[log_group.log_group_name],
            )
