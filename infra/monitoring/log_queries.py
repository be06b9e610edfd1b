"""The queries on the function's log that CloudWatch Logs Insights has saved."""

from aws_cdk.aws_logs import CfnQueryDefinition, ILogGroup
from constructs import Construct

from infra.saved import Query, read_queries


def log_queries() -> tuple[Query, ...]:
    """Read the queries that are saved, sorted by name."""
    return read_queries(suffix=".logs", comment="# ")


class LogQueries(Construct):
    """A saved query for each file, in a folder that has the stack's name."""

    def __init__(self, scope: Construct, construct_id: str, *, folder: str, log_group: ILogGroup) -> None:
        """Save the queries.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            folder: one that the account and region do not have yet.
            log_group: which they are on.
        """
        super().__init__(scope, construct_id)
        for query in log_queries():
            CfnQueryDefinition(
                self,
                query.construct_id,
                name=f"{folder}/{query.name.replace('_', ' ')}",
                query_string=query.text,
                log_group_names=[log_group.log_group_name],
            )
