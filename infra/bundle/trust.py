"""The roots that the function trusts: one file of the bundle, which AWS_CA_BUNDLE names in the function.

botocore loads the whole file for each new connection, so a short one saves time at each of some forty. The roots come
from the file that the pinned botocore carries, certifi's, and are told by their subjects.
"""

import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.errors import BundleError

# What a setting says instead of a file's path.
AMAZON = "amazon"
ALL = "all"

FILE = "trust-store.pem"
ROOTS_OF_BOTOCORE = Path("botocore", "cacert.pem")

# Those that Amazon asks whoever has a trust store of their own to hold: https://www.amazontrust.com/repository/
# Starfield Class 2, which is GoDaddy's, is under none of AWS's chains any more:
# https://aws.amazon.com/blogs/security/acm-will-no-longer-cross-sign-certificates-with-starfield-class-2-starting-august-2024
AMAZON_ROOTS = (
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
)
_ORGANIZATIONS = {"Amazon", "Starfield Technologies, Inc."}
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n.+?\n-----END CERTIFICATE-----\n", re.DOTALL)


def add_store(folder: Path, store: str | bytes) -> None:
    """Write the trust store of a bundle, in the place of the roots that botocore brought.

    Args:
        folder: the bundle's, with its dependencies.
        store: as content_of has it.

    Raises:
        BundleError: as content_of.
    """
    folder.joinpath(FILE).write_bytes(content_of(store, folder))
    folder.joinpath(ROOTS_OF_BOTOCORE).unlink(missing_ok=True)


def content_of(store: str | bytes, folder: Path) -> bytes:
    """Return the bytes of the trust store.

    Args:
        store: AMAZON, ALL, or the bytes of a file of one's own.
        folder: has the bundle's dependencies.

    Raises:
        BundleError: the pinned botocore lacks one of Amazon's roots.
    """
    if isinstance(store, bytes):
        return store
    carried = folder / ROOTS_OF_BOTOCORE
    return carried.read_bytes() if store == ALL else _amazon_roots(carried).encode()


def _amazon_roots(path: Path) -> str:
    """Return Amazon's roots out of a file of many, each below its name."""
    found = dict(_roots(path.read_text(encoding="utf-8")))
    missing = [name for name in AMAZON_ROOTS if name not in found]
    if missing:
        raise BundleError(
            f"the pinned botocore's {ROOTS_OF_BOTOCORE} has no root {' and no '.join(missing)}: see what"
            " https://www.amazontrust.com/repository/ asks for now and bring infra/bundle/trust.py up to date, or"
            " deploy with -c trustStore=all"
        )
    return "".join(f"# {name}\n{found[name]}" for name in AMAZON_ROOTS)


def _roots(text: str) -> Iterator[tuple[str, str]]:
    """Return each certificate of Amazon's organizations, by the common name of its subject."""
    for pem in _CERTIFICATE.findall(text):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=pem)
        for root in context.get_ca_certs():
            names: Any = root["subject"]
            subject: dict[str, str] = dict(pair for pairs in names for pair in pairs)
            if subject.get("organizationName") in _ORGANIZATIONS:
                yield subject.get("commonName", ""), pem
