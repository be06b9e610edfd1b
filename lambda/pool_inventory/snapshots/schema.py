"""The columns, stated once: Arrow's types, the manifest's fileSchema and the docs' tables all come from here.

`member` is the name that the service uses for what a column holds, from the API's own page:
https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUserPools.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from arro3.core import DataType, Field, Schema


class Kind(Enum):
    """What a column holds."""

    STRING = "string"
    LONG = "long"
    TIMESTAMP = "timestamp(ms, UTC)"
    STRUCT = "struct"
    STRINGS = "list of strings"
    OTHER = "of a kind that this release has no column of"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what it holds, what that means, and the API's member that it carries, if any."""

    name: str
    kind: Kind
    meaning: str = ""
    member: str | None = None
    columns: tuple["Column", ...] = ()
    required: bool = False
    physical: str = "binary"
    """Parquet's own type of a column of kind OTHER."""


def _string(name: str, meaning: str = "", member: str | None = None, *, required: bool = False) -> Column:
    return Column(name, Kind.STRING, meaning, member, required=required)


def _long(name: str, meaning: str, *, required: bool = True) -> Column:
    return Column(name, Kind.LONG, meaning, required=required)


def _timestamp(name: str, meaning: str, member: str | None = None, *, required: bool = False) -> Column:
    return Column(name, Kind.TIMESTAMP, meaning, member, required=required)


def _versioned_trigger(name: str, member: str) -> Column:
    parts = (_string("lambda_version", member="LambdaVersion"), _string("lambda_arn", member="LambdaArn"))
    return Column(name, Kind.STRUCT, member=member, columns=parts)


LAMBDA_CONFIG = (
    _string("pre_sign_up", member="PreSignUp"),
    _string("custom_message", member="CustomMessage"),
    _string("post_confirmation", member="PostConfirmation"),
    _string("pre_authentication", member="PreAuthentication"),
    _string("post_authentication", member="PostAuthentication"),
    _string("define_auth_challenge", member="DefineAuthChallenge"),
    _string("create_auth_challenge", member="CreateAuthChallenge"),
    _string("verify_auth_challenge_response", member="VerifyAuthChallengeResponse"),
    _string("pre_token_generation", member="PreTokenGeneration"),
    _string("user_migration", member="UserMigration"),
    _versioned_trigger("pre_token_generation_config", "PreTokenGenerationConfig"),
    _versioned_trigger("custom_sms_sender", "CustomSMSSender"),
    _versioned_trigger("custom_email_sender", "CustomEmailSender"),
    _string("kms_key_id", member="KMSKeyID"),
    _versioned_trigger("inbound_federation", "InboundFederation"),
)

SNAPSHOT_TIME = _timestamp("snapshot_time", "the snapshot's time, to the minute", required=True)
READ_AT = _timestamp("read_at", "the time of the snapshot that read the row; `snapshot_time` in `data`")

DATA = (
    SNAPSHOT_TIME,
    _string("account_id", "the account that has the pool", required=True),
    _string("region", "the region that has the pool", required=True),
    _string("id", "the pool's id", "Id", required=True),
    _string("arn", "the pool's ARN, made of the columns before it", required=True),
    _string("name", "the pool's name", "Name"),
    _string("status", "deprecated by the service, and null where it sends none", "Status"),
    _timestamp("creation_date", "when the pool was created", "CreationDate"),
    _timestamp("last_modified_date", "when the pool was last modified", "LastModifiedDate"),
    Column(
        "lambda_config",
        Kind.STRUCT,
        "the pool's Lambda triggers: ARNs, and structs of `lambda_version` and `lambda_arn`",
        "LambdaConfig",
        LAMBDA_CONFIG,
    ),
    _string("unmodelled", "JSON of whatever the service sent that has no column here, else null"),
    # New columns come at the end and are nullable: what an earlier release wrote does not have them.
    Column("replica_regions", Kind.STRINGS, "the regions that the pool is replicated to", "ReplicaRegions"),
    READ_AT,
)

COVERAGE = (
    SNAPSHOT_TIME,
    _string("account_id", "the account that was asked", required=True),
    _string("region", "the region that was asked", required=True),
    _string("status", "`ok`, `absent`, `denied`, `throttled`, `timed_out`, `failed` or `not_asked`", required=True),
    _long("pools", "pools in `data`; null, not 0, where the target was not read whole", required=False),
    _long("requests", "calls of ListUserPools, retries included"),
    _long("retries", "calls that were made again"),
    _long("duplicates", "pools that came twice across pages and were kept once"),
    _timestamp("started_at", "when reading it began", required=True),
    _long("duration_ms", "how long reading it took, in milliseconds"),
    _string("error_code", "the service's error code, or the error's name; null where ok"),
    _string("error_message", "the error's text; null where ok"),
    _string("last_ok", "id of the newest snapshot, this one included, in which this target was read whole"),
    _string("compared_with", "id of the snapshot that has the target's last good reading before this one"),
    _string("accepted_by", "what in `INVENTORY_ACCEPT_DENIED` accepts the denial: `scp`, or the region; else null"),
)

CHANGES = (
    _timestamp("snapshot_time", "the time of the snapshot that shows the change", required=True),
    _timestamp("previous_snapshot_time", "the time of the target's last good reading before", required=True),
    _string("change", "`created`, `deleted` or `modified`", required=True),
    _string("account_id", "the account that has or had the pool", required=True),
    _string("region", "the region that has or had the pool", required=True),
    _string("id", "the pool's id", required=True),
    _string("name", "the pool's name; a deleted pool's last"),
    Column("fields", Kind.STRINGS, "the columns that differ, dotted, of a modified pool; else none", required=True),
    _string("before", "JSON of the pool's row before, less `snapshot_time` and `read_at`; null if created"),
    _string("after", "JSON of the pool's row after, less `snapshot_time` and `read_at`; null if deleted"),
)

_ARROW = {
    Kind.STRING: DataType.utf8(),
    Kind.LONG: DataType.int64(),
    Kind.TIMESTAMP: DataType.timestamp("ms", tz="UTC"),
    Kind.STRINGS: DataType.list(Field("element", DataType.utf8(), nullable=False)),
}
# https://docs.aws.amazon.com/athena/latest/ug/data-types.html
_GLUE = {Kind.STRING: "string", Kind.LONG: "bigint", Kind.TIMESTAMP: "timestamp", Kind.STRINGS: "array<string>"}
_PARQUET = {
    Kind.STRING: "binary {} (STRING)",
    Kind.LONG: "int64 {}",
    Kind.TIMESTAMP: "int64 {} (TIMESTAMP(MILLIS,true))",
}


# Of the kinds that a later release may have columns of.
_PHYSICAL = {
    "boolean": DataType.bool(),
    "double": DataType.float64(),
    "float": DataType.float32(),
    "int32": DataType.int32(),
}


def arrow_schema(columns: tuple[Column, ...]) -> Schema:
    """Return the columns as an Arrow schema."""
    return Schema([_arrow_field(column) for column in columns])


def columns_of(arrow: Schema, members: Mapping[str, str]) -> tuple[Column, ...]:
    """Return the columns that an Arrow schema has, whichever release wrote it.

    Args:
        arrow: the schema, as a file has it.
        members: the API's member that each column carries, by the column's dotted name, as members_of has them.
    """
    return tuple(_column(field, members, "") for field in map(arrow.field, arrow.names))


def members_of(columns: tuple[Column, ...], prefix: str = "") -> dict[str, str]:
    """Return the API's member that each column carries, by the column's dotted name."""
    found: dict[str, str] = {}
    for column in columns:
        if column.member:
            found[f"{prefix}{column.name}"] = column.member
        found |= members_of(column.columns, f"{prefix}{column.name}.")
    return found


def parquet_schema(name: str, columns: tuple[Column, ...]) -> str:
    """Return the columns as a Parquet message type, the form that S3 Inventory's `fileSchema` has."""
    return f"message {name} {{ {' '.join(_parquet_fields(columns))} }}"


def glue_type(column: Column) -> str:
    """Return a column's type as Glue and Athena have it."""
    if column.kind is not Kind.STRUCT:
        return _GLUE[column.kind]
    return f"struct<{','.join(f'{part.name}:{glue_type(part)}' for part in column.columns)}>"


def _column(field: Field, members: Mapping[str, str], prefix: str) -> Column:
    name = f"{prefix}{field.name}"
    parts: tuple[Column, ...] = ()
    kind = next((kind for kind, arrow in _ARROW.items() if arrow == field.type), Kind.OTHER)
    if DataType.is_struct(field.type):
        kind = Kind.STRUCT
        parts = tuple(_column(part, members, f"{name}.") for part in field.type.fields)
    physical = next((each for each, arrow in _PHYSICAL.items() if arrow == field.type), "binary")
    return Column(field.name, kind, "", members.get(name), parts, required=not field.nullable, physical=physical)


def _arrow_field(column: Column) -> Field:
    if column.kind is Kind.STRUCT:
        kind = DataType.struct([_arrow_field(part) for part in column.columns])
    else:
        kind = _ARROW[column.kind]
    return Field(column.name, kind, nullable=not column.required)


def _parquet_fields(columns: tuple[Column, ...]) -> Iterator[str]:
    for column in columns:
        repetition = "required" if column.required else "optional"
        if column.kind is Kind.STRUCT:
            yield f"{repetition} group {column.name} {{ {' '.join(_parquet_fields(column.columns))} }}"
        elif column.kind is Kind.STRINGS:
            element = "repeated group list { required binary element (STRING); }"
            yield f"{repetition} group {column.name} (LIST) {{ {element} }}"
        elif column.kind is Kind.OTHER:
            yield f"{repetition} {column.physical} {column.name};"
        else:
            yield f"{repetition} {_PARQUET[column.kind].format(column.name)};"
