"""The key that signs records (Ed25519). The private half stays with who drills, the public half with the records."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from harness.drill.records.canonical import sha256
from harness.errors import RecordError

VARIABLE = "HARNESS_DRILL_KEY"
DEFAULT = Path("~/.config/resilience-harness/drill-key.pem")
BYTES_MAX = 64 * 1024


def private_path(environment: Mapping[str, str]) -> Path:
    """Where the private key is: what HARNESS_DRILL_KEY says, else in the user's configuration."""
    given = environment.get(VARIABLE, "").strip()
    return Path(given) if given else DEFAULT.expanduser()


def read_private(path: Path) -> Ed25519PrivateKey:
    """Raises RecordError where it is not there, not ours alone to read, or not an Ed25519 key in PEM."""
    raw = _read(path, "the private key")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise RecordError(f"others may read the private key {path}, and sign with it; close it: chmod 600 {path}")
    try:
        key = load_pem_private_key(raw, password=None)
    except TypeError:
        raise RecordError(f"the private key {path} has a password; drills sign unattended: give one without") from None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise RecordError(f"{path} is not an Ed25519 private key in PEM; make one: openssl genpkey -algorithm ed25519")
    return key


def make_private(path: Path, say: Callable[[str], None]) -> Ed25519PrivateKey:
    """A new key at `path`, mode 0600; the one that is there where another was faster. Raises RecordError."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(pem)
            os.fsync(file.fileno())
        try:
            os.link(new, path)
        except FileExistsError:
            return read_private(path)
        finally:
            new.unlink()
    except OSError as error:
        raise RecordError(
            f"cannot make the key that signs drill records at {path}: {error.strerror}; "
            f"say another place: {VARIABLE}=FILE"
        ) from None
    say(f"made the key that signs drill records: {path}; keep a copy of it where only you can read it")
    return read_private(path)


def read_public(path: Path) -> Ed25519PublicKey:
    """Raises RecordError where it is not there, or not an Ed25519 key in PEM."""
    try:
        key = load_pem_public_key(_read(path, "the public key"))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise RecordError(f"{path} is not an Ed25519 public key in PEM; key.pub.pem of the drills' folder is one")
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256, in hex, of the key's DER: what `openssl pkey -pubin -in key.pub.pem -outform DER | sha256sum` says."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(BYTES_MAX)
    except OSError as error:
        raise RecordError(f"cannot read {what} {path}: {error.strerror}") from None
