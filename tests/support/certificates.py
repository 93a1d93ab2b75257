"""The certificates of a throw-away control plane."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = dt.timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A key and its certificate, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority that lives in a folder. Its own certificate is ``certificate``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "safeguard-test-ca")])
        builder = _builder(self._name, self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate = _write(folder / "ca.crt", builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def server(self, name: str, address: str) -> Pair:
        """A certificate for a server at an IP address."""
        alternative = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(address))])
        return self._issue(name, [], ExtendedKeyUsageOID.SERVER_AUTH, alternative)

    def client(self, user: str, *groups: str) -> Pair:
        """A certificate that Kubernetes reads as this user in these groups."""
        return self._issue(user, list(groups), ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issue(self, name: str, groups: list[str], usage: x509.ObjectIdentifier, *extensions: x509.ExtensionType) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        builder = _builder(subject, self._name, key.public_key())
        for extension in (x509.ExtendedKeyUsage([usage]), *extensions):
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return Pair(_write(self._folder / f"{name}.crt", certificate), _write(self._folder / f"{name}.key", private_pem(key)))


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """An unencrypted PEM of a private key, in the one form that the API server also takes a public key from (SEC 1)."""
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())


def signing_key(folder: Path, name: str) -> Path:
    """A key that the API server signs service account tokens with."""
    return _write(folder / f"{name}.key", private_pem(ec.generate_private_key(ec.SECP256R1())))


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + LIFETIME)
    )


def _write(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path
