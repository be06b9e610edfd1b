"""An organization's accounts as a table: what was read of each, and what was not, and why."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pool_inventory.model import Coverage, Member
from pool_inventory.terminal.tables import plain_lines


@dataclass(slots=True)
class _Account:
    regions: int = 0
    read: int = 0
    pools: int = 0
    has_failed: bool = False
    unread: Counter[str] = field(default_factory=Counter)

    def add(self, each: Coverage) -> None:
        self.regions += 1
        self.read += not each.has_unknown_pools
        self.pools += each.pools or 0
        self.has_failed |= each.is_failed
        if each.has_unknown_pools:
            code = f" ({each.error_code})" if each.error_code else ""
            accepted = ", accepted" if each.accepted_by else ""
            self.unread[f"{each.status.replace('_', ' ')}{code}{accepted}"] += 1

    def row(self, account_id: str, name: str) -> list[str]:
        reasons = [f"{count} {reason}" if count < self.regions else reason for reason, count in self.unread.items()]
        pools = str(self.pools) if self.read else "-"
        return [account_id, name, f"{self.read} of {self.regions}", pools, ", ".join(reasons)]


def account_lines(coverage: Iterable[Coverage], members: Mapping[str, Member], width: int | None) -> list[str]:
    """Return a line for each account, those of which something could not be read last.

    The pools of an account that was not read are a dash, not 0.

    Args:
        coverage: of all targets.
        members: what is known of the accounts, by their ids.
        width: as plain_lines has it.
    """
    accounts: dict[str, _Account] = {}
    for each in coverage:
        accounts.setdefault(each.account_id, _Account()).add(each)
    ordered = sorted(accounts.items(), key=lambda each: (each[1].has_failed, each[0]))
    rows = [account.row(account_id, _name(members.get(account_id))) for account_id, account in ordered]
    names = ("account", "name", "regions read", "pools", "not read")
    return plain_lines(names, rows, width=width, right=("pools",), wrap_last=True)


def _name(member: Member | None) -> str:
    return (member and member.name) or ""
