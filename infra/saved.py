"""Queries that are kept as files, for a stack to save where they are run."""

from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "queries"
# On what one account does not have: the log of its other functions, and the table of accounts.
_OF_AN_ORGANIZATION = ("functions_that_failed", "whose_pools_they_are")


@dataclass(frozen=True, slots=True)
class Query:
    """A query as its file has it: the file's name, its first line's comment, and the whole text."""

    name: str
    description: str
    text: str

    @property
    def construct_id(self) -> str:
        """What a construct for it is called."""
        return "".join(word.capitalize() for word in self.name.split("_"))


def read_queries(*, suffix: str, comment: str, of_organization: bool) -> tuple[Query, ...]:
    """Read the queries of one language, sorted by name.

    Args:
        suffix: of their files.
        comment: what a comment begins with.
        of_organization: whether those of an organization are among them.
    """
    texts = {
        path.stem: path.read_text(encoding="utf-8")
        for path in sorted(_FOLDER.glob(f"*{suffix}"))
        if of_organization or path.stem not in _OF_AN_ORGANIZATION
    }
    return tuple(Query(name, text.partition("\n")[0].removeprefix(comment), text) for name, text in texts.items())
