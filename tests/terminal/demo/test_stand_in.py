import pytest
from pool_inventory.terminal.demo.stand_in import past_proxies


@pytest.mark.parametrize(
    ("variables", "hosts"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"NO_PROXY": "example.com"}, "example.com,127.0.0.1,localhost"),
        ({"NO_PROXY": "example.com", "no_proxy": ".example.org"}, ".example.org,127.0.0.1,localhost"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_hosts_excluded_from_the_proxy_stay_excluded(variables: dict[str, str], hosts: str) -> None:
    assert past_proxies(variables) == {"NO_PROXY": hosts, "no_proxy": hosts}
