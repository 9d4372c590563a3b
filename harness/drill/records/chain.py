"""Appends to the chain of drill records, and reads it.

A record is written before the head that tells of it, and the first head before the first record: whatever is killed in
between leaves the head one behind, which the next append mends. A head that is missing, ahead, or further behind is
nobody's accident, and the chain is not gone on with.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.drill.records import evidence, files, keys
from harness.drill.records.canonical import parse
from harness.drill.records.proving import Proof, prove
from harness.drill.records.sealed import DRILL, HEAD, KINDS, NOTHING, Broken, Head, Record, open_head, open_record, seal
from harness.errors import RecordError, one_of

_NEW_CHAIN = "if it is lost for good, keep this folder as it is for the auditor, and begin a new chain in another one"


def _to_stderr(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def append(folder: Path, kind: str, body: Mapping[str, Any], *, say: Callable[[str], None] = _to_stderr) -> Record:
    """Adds one record to the chain in `folder` (reports/drills), and moves its head.

    `kind` is drill or learning, `body` as docs/drill-record.schema.json has it. Several processes may do so at once.
    A drill's body gets the hashes of what its run left in `folder`/body["folder"], as `evidence`, where it has none.
    A chain that is not there is begun, and so is its key, which `say` tells. Raises RecordError, with nothing written,
    where the end of the chain is not as it was left, and where it has a record of that drill already.
    """
    if kind not in KINDS:
        raise RecordError(one_of("kind of record", kind, KINDS))
    if kind == DRILL and isinstance(run := body.get("folder"), str) and "evidence" not in body:
        body = {**body, "evidence": evidence.of(folder / run)}
    with files.held(folder):
        key, head = _end(folder, say)
        if kind == DRILL and "id" in body and (there := _seq_of(folder, body["id"])):
            raise RecordError(
                f"drill {body['id']} is in {folder} already, as record {there}: a drill is recorded once; "
                "run it again, for a record of its own"
            )
        document = {"kind": kind, "seq": head.seq + 1, "previous": head.sha256, "body": body}
        raw = seal(document, key)
        record = open_record(raw, key.public_key())
        _write(folder, files.record_path(folder, record.seq), raw)
        _move_head(folder, record.seq, record.sha256, key)
    return record


def ready(folder: Path, *, say: Callable[[str], None] = _to_stderr) -> None:
    """Makes sure, before a drill destroys anything, that its record can be written. Raises RecordError."""
    with files.held(folder):
        _end(folder, say)


def read_chain(folder: Path) -> list[Record]:
    """All records in their order, each of them proven; none where no drill was recorded yet. Raises RecordError that
    names the first place that is wrong."""
    if not any((files.record_files(folder)[0], (folder / files.HEAD_FILE).exists())):
        return []
    proof = prove(folder)
    if proof.problems:
        raise RecordError(f"the records of {folder} are not as they were signed: {proof.sentence}")
    return list(proof.records)


def verify(folder: Path, public_key: Path | None = None, head: Path | None = None) -> Proof:
    """Proves the chain, and the evidence of its drills where it is here.

    `public_key` and `head` are files that were kept elsewhere: the key, and a head.json or any record of this chain.
    Raises HarnessError where there is no chain to prove, or what was kept cannot be read.
    """
    proof = prove(folder, public_key, head)
    touched, absent = evidence.problems(folder, proof.records)
    begun = [
        f"{path.name}: a drill was begun and has no record yet; where its harness is gone the next one writes it"
        for path in sorted(folder.glob(".running-*.json"))
    ]
    return replace(proof, problems=(*proof.problems, *touched), notes=(*proof.notes, *absent, *begun))


def _end(folder: Path, say: Callable[[str], None]) -> tuple[Ed25519PrivateKey, Head]:
    """(the key, the head as it should be) of a chain that may be gone on with; begins one where there is none."""
    numbers, _ = files.record_files(folder)
    raw_head = files.read(folder / files.HEAD_FILE)
    is_new = not numbers and raw_head is None
    if is_new and (folder / files.PUBLIC_KEY_FILE).exists():
        raise RecordError(
            f"every record of {folder} is gone, and head.json: only {files.PUBLIC_KEY_FILE} is left. "
            f"Put them back from where you keep them; {_NEW_CHAIN}: --reports FOLDER"
        )
    key = _private_key(folder, is_new, say)
    if is_new:
        _move_head(folder, 0, NOTHING, key)
        _publish(folder, key)
        return key, Head(0, NOTHING, "", "")
    if raw_head is None:
        raise RecordError(
            f"head.json of {folder} is gone, and {len(numbers)} records are there: nobody can tell whether the last "
            f"were cut off. Put head.json back from where you keep it; {_NEW_CHAIN}: --reports FOLDER"
        )
    try:
        head = open_head(raw_head, key.public_key())
    except Broken as error:
        raise RecordError(
            f"head.json of {folder} is not as it was signed: {error}. Put it back; {_NEW_CHAIN}"
        ) from None
    _publish(folder, key)
    last = numbers[-1] if numbers else 0
    if head.seq > last:
        raise RecordError(
            f"record {last + 1} of {folder} is gone: head.json, signed {head.at}, tells of {head.seq}. "
            f"Put the records back from where you keep them; {_NEW_CHAIN}: --reports FOLDER"
        )
    if last > head.seq + 1:
        raise RecordError(
            f"head.json of {folder} is an old one: it ends at record {head.seq}, and record {last} is there. Put back "
            f"the head.json that was signed with the last record; {_NEW_CHAIN}: --reports FOLDER"
        )
    if head.seq:
        _read_last(folder, head.seq, key, lambda record: record.sha256 == head.sha256)
    if last == head.seq:
        return key, head
    record = _read_last(folder, last, key, lambda record: record.previous == head.sha256)
    say(f"record {last} was written, and head.json was not: the harness ended between the two; mended")
    return key, _move_head(folder, record.seq, record.sha256, key)


def _seq_of(folder: Path, drill: object) -> int:
    """The number of the record of that drill (its id), 0 where there is none; what is no record is passed over."""
    for seq in files.record_files(folder)[0]:
        with contextlib.suppress(RecordError, ValueError):
            found = parse(files.read(files.record_path(folder, seq)) or b"")
            told = found.get("body")
            if found.get("kind") == DRILL and isinstance(told, dict) and told.get("id") == drill:
                return seq
    return 0


def _read_last(folder: Path, seq: int, key: Ed25519PrivateKey, fits: Callable[[Record], bool]) -> Record:
    raw = files.read(files.record_path(folder, seq))
    try:
        record = open_record(raw, key.public_key()) if raw is not None else None
        if record is not None and record.seq == seq and fits(record):
            return record
        why = "it is gone" if record is None else "it is not the one that head.json tells of"
    except Broken as error:
        why = str(error)
    raise RecordError(
        f"record {seq} of {folder}, at the end, is not as it was left: {why}. Put it back from where you keep it; "
        f"{_NEW_CHAIN}: --reports FOLDER"
    )


def _private_key(folder: Path, is_new: bool, say: Callable[[str], None]) -> Ed25519PrivateKey:
    path = keys.private_path(os.environ)
    if not path.exists():
        if is_new:
            return keys.make_private(path, say)
        raise RecordError(f"no private key at {path}, and {folder} has a chain; say where it is: {keys.VARIABLE}=FILE")
    key = keys.read_private(path)
    published = folder / files.PUBLIC_KEY_FILE
    if published.exists():
        theirs, ours = keys.fingerprint(keys.read_public(published)), keys.fingerprint(key.public_key())
        if theirs != ours:
            raise RecordError(
                f"{path} is key {ours[:16]}, and the chain in {folder} is signed by {theirs[:16]}; give that one: "
                f"{keys.VARIABLE}=FILE, or begin a new chain: --reports FOLDER"
            )
    return key


def _publish(folder: Path, key: Ed25519PrivateKey) -> None:
    """The public half beside the records, where it is not yet."""
    if not (folder / files.PUBLIC_KEY_FILE).exists():
        _write(folder, folder / files.PUBLIC_KEY_FILE, keys.public_pem(key.public_key()))


def _move_head(folder: Path, seq: int, sha256: str, key: Ed25519PrivateKey) -> Head:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    raw = seal({"kind": HEAD, "seq": seq, "sha256": sha256, "at": at}, key)
    _write(folder, folder / files.HEAD_FILE, raw)
    return open_head(raw, key.public_key())


def _write(folder: Path, path: Path, raw: bytes) -> None:
    try:
        files.write(folder, path, raw)
    except OSError as error:
        raise RecordError(
            f"cannot write {path}: {error.strerror}; make room, or give another folder: --reports FOLDER"
        ) from None
