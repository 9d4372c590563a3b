"""A sealed document: canonical JSON with the fingerprint of its key, and an Ed25519 signature over all the rest."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from harness.drill.records.canonical import canonical, parse, sha256
from harness.drill.records.keys import fingerprint

SCHEMA = 1
NOTHING = "0" * 64
"""What the first record follows."""
DRILL, LEARNING, HEAD = "drill", "learning", "head"
KINDS = (DRILL, LEARNING)

_MEMBERS = {
    "body": dict, "key": str, "kind": str, "previous": str, "schema": int, "seq": int, "signature": str
}  # fmt: skip
_HEAD_MEMBERS = {"at": str, "key": str, "kind": str, "schema": int, "seq": int, "sha256": str, "signature": str}


class Broken(Exception):
    """A document that is not what was signed. Says why, as in `it is not JSON`."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the chain. `previous` and `sha256` are hex, of the bytes of the record before and of this one's."""

    seq: int
    kind: str
    body: Mapping[str, Any]
    previous: str
    key: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Head:
    """The anchor of a chain: how many records it had at a time (`at`, RFC 3339 UTC), and the SHA-256 of the last."""

    seq: int
    sha256: str
    at: str
    key: str


def seal(document: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The document's bytes, signed. Raises RecordError where JSON cannot hold it."""
    unsigned = {**document, "schema": SCHEMA, "key": fingerprint(key.public_key())}
    signature = base64.b64encode(key.sign(canonical(unsigned))).decode("ascii")
    return canonical({**unsigned, "signature": signature})


def open_record(raw: bytes, key: Ed25519PublicKey) -> Record:
    """Raises Broken."""
    found = _open(raw, key, _MEMBERS)
    if found["kind"] not in KINDS:
        raise Broken(f"it is a {found['kind']}, and no record")
    return Record(found["seq"], found["kind"], found["body"], found["previous"], found["key"], sha256(raw))


def open_head(raw: bytes, key: Ed25519PublicKey) -> Head:
    """Raises Broken."""
    found = _open(raw, key, _HEAD_MEMBERS)
    if found["kind"] != HEAD:
        raise Broken(f"it is a {found['kind']}, and no head")
    return Head(found["seq"], found["sha256"], found["at"], found["key"])


def _open(raw: bytes, key: Ed25519PublicKey, members: Mapping[str, type]) -> dict[str, Any]:
    try:
        found = parse(raw)
    except ValueError as error:
        raise Broken(str(error)) from None
    if set(found) != set(members) or any(type(found[name]) is not kind for name, kind in members.items()):
        raise Broken(f"its members are not those of one: {', '.join(sorted(members))}")
    if found["schema"] != SCHEMA:
        raise Broken(f"it is of schema {found['schema']}; this version reads schema {SCHEMA}")
    unsigned = {name: value for name, value in found.items() if name != "signature"}
    try:
        signature = base64.b64decode(found["signature"], validate=True)
        key.verify(signature, canonical(unsigned))
    except (InvalidSignature, binascii.Error, ValueError):
        ours = fingerprint(key)
        if found["key"] != ours:
            raise Broken(f"it is of another key: {found['key'][:16]}, and the chain's is {ours[:16]}") from None
        raise Broken("its signature does not fit its bytes") from None
    return found
