"""The stand-in for AWS behind TLS, with a certificate under a root that was made for it."""

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pool_inventory.terminal.demo.stand_in import StandIn
from werkzeug.serving import WSGIRequestHandler, make_server


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where it listens, and the PEM file with the root that its certificate is under."""

    url: str
    root: Path


@contextmanager
def serve(stand_in: StandIn, folder: Path, *, days: int = 1) -> Iterator[Endpoint]:
    """Serve the stand-in on another port, by TLS.

    Args:
        stand_in: what answers.
        folder: where the files of its certificates go.
        days: for how long they are valid from now; less than 0, they have expired.
    """
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate("a root of one's own", root_key, "a root of one's own", root_key, is_root=True, days=1)
    own = certificate("127.0.0.1", key, "a root of one's own", root_key, is_root=False, days=days)
    root_file, own_file = folder / "root.pem", folder / "own.pem"
    root_file.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    own_file.write_bytes(own.public_bytes(serialization.Encoding.PEM) + private_pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own_file)
    server = make_server("127.0.0.1", 0, stand_in, threaded=True, ssl_context=context, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Endpoint(f"https://127.0.0.1:{server.server_port}", root_file)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_root: bool,
    days: int,
) -> x509.Certificate:
    """Make a certificate, of a root or of this machine."""
    now = datetime.now(UTC)
    begin = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
    )
    if not is_root:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))])
        begin = begin.add_extension(names, critical=False)
    return begin.sign(issuer_key, hashes.SHA256())


class _QuietHandler(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Log neither requests nor clients that disconnect."""
