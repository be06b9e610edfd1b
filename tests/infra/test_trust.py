"""Whom the function trusts: a file of its bundle, and what a run says of an endpoint under another root."""

import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore
import pytest
from pool_inventory.errors import InventoryError, SettingsError
from pool_inventory.terminal.demo.stand_in import StandIn, seed

from infra.bundle import trust
from infra.errors import BundleError
from tests import tls
from tests.conftest import Invoke
from tests.infra.makers import Synthesized, any_settings
from tests.makers import any_pools

PINNED = Path(botocore.__file__).parents[1]
WHAT_TO_SET = "deploy with -c trustStore=FILE, or set AWS_CA_BUNDLE=FILE in a terminal"

Output = Callable[[], list[dict[str, Any]]]


def names(content: bytes) -> set[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=content.decode())
    subjects = [{str(key): str(value) for parts in root["subject"] for key, value in parts} for root in roots(context)]
    return {subject.get("commonName", "") for subject in subjects}


def roots(context: ssl.SSLContext) -> list[dict[str, Any]]:
    return context.get_ca_certs()


@pytest.fixture
def endpoint(aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The stand-in's Cognito, behind a root that nobody knows, asked by a function that trusts Amazon's."""
    amazon = tmp_path / trust.FILE
    amazon.write_bytes(trust.content_of(trust.AMAZON, PINNED))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(amazon))
    with tls.serve(aws, tmp_path) as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", served.url)
        yield served


def test_by_default_the_roots_of_amazon_are_trusted() -> None:
    assert names(trust.content_of(trust.AMAZON, PINNED)) == {
        "Amazon Root CA 1",
        "Amazon Root CA 2",
        "Amazon Root CA 3",
        "Amazon Root CA 4",
        "Starfield Services Root Certificate Authority - G2",
    }


def test_all_roots_of_the_pinned_sdk_can_be_trusted() -> None:
    assert trust.content_of(trust.ALL, PINNED) == PINNED.joinpath(trust.ROOTS_OF_BOTOCORE).read_bytes()
    assert len(names(trust.content_of(trust.ALL, PINNED))) > 100


def test_a_root_that_the_pinned_sdk_lacks_ends_the_build(tmp_path: Path) -> None:
    text = PINNED.joinpath(trust.ROOTS_OF_BOTOCORE).read_text()
    without = re.sub(r'# Label: "Amazon Root CA 3".+?-----END CERTIFICATE-----\n', "", text, flags=re.DOTALL)
    file = tmp_path / trust.ROOTS_OF_BOTOCORE
    file.parent.mkdir()
    file.write_text(without)
    with pytest.raises(BundleError, match=r"cacert\.pem has no root Amazon Root CA 3: see what https://www\.amazontr"):
        trust.content_of(trust.AMAZON, tmp_path)


@pytest.mark.parametrize("stack", ["by_default", "otherwise"])
def test_the_function_is_told_where_its_roots_are(stack: str, request: pytest.FixtureRequest) -> None:
    made: Synthesized = request.getfixturevalue(stack)
    variables = made.resources["Exporter/Function"]["Properties"]["Environment"]["Variables"]
    assert variables["AWS_CA_BUNDLE"] == "/var/task/trust-store.pem"


def test_a_file_of_ones_own_is_what_the_bundle_carries(endpoint: tls.Endpoint) -> None:
    own = any_settings(trustStore=str(endpoint.root)).trust_store
    assert trust.content_of(own, PINNED) == endpoint.root.read_bytes()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no file that can be read (No such file or directory)"),
        ("", "not a PEM file with certificates"),
        ("-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n", "not a PEM file with certificates"),
        ("-----BEGIN PRIVATE KEY-----\n", "the file has a private key, which would go into the function's code"),
    ],
)
def test_a_file_that_has_no_roots_ends_the_synth(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "roots.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError) as caught:
        any_settings(trustStore=str(file))
    assert f"trustStore={str(file)!r}: {said}" in str(caught.value)
    assert "use amazon, all, or the path of a PEM file with the certificates of roots" in str(caught.value)


def test_a_servers_own_certificate_is_no_root(endpoint: tls.Endpoint, tmp_path: Path) -> None:
    pem, _, _ = endpoint.root.with_name("own.pem").read_text().partition("-----BEGIN PRIVATE KEY-----")
    file = tmp_path / "server.pem"
    file.write_text(pem)
    with pytest.raises(SettingsError, match=r"no certificate in the file is one of an authority \(CA:TRUE\)"):
        any_settings(trustStore=str(file))


def test_an_endpoint_under_another_root_is_refused(endpoint: tls.Endpoint, invoke: Invoke, output: Output) -> None:
    """At once, and with an error that says what to set."""
    with pytest.raises(InventoryError, match="no target could be read") as caught:
        invoke()
    assert WHAT_TO_SET in str(caught.value)
    (unread,) = (line for line in output() if line.get("message") == "a target could not be read")
    assert (unread["status"], unread["requests"], unread["error_code"]) == ("failed", 1, "SSLError")
    assert f"SSL validation failed for {endpoint.url}" in unread["error_message"]
    assert WHAT_TO_SET in unread["error_message"]


def test_an_endpoint_under_ones_own_root_is_read(
    endpoint: tls.Endpoint, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(endpoint.root))
    seed("us-east-1", any_pools(3))
    assert invoke()["pools"] == 3
