"""Proves a chain of drill records, and names the first place that is not as it was signed. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from harness.drill.records import files, keys
from harness.drill.records.canonical import parse
from harness.drill.records.sealed import NOTHING, Broken, Head, Record, open_head, open_record
from harness.errors import HarnessError, RecordError
from harness.record import Word

READ_AGAIN_MAX = 10


@dataclass(frozen=True, slots=True)
class Problem:
    """One place that is not as it was signed. `seq` is the record's number, 0 where the place is none."""

    place: str
    sentence: str
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found. `records` are those that are sound, `problems` are in the order of the chain, `notes` say what is
    no problem and should be known. `key` is the fingerprint of the key that all of it was held against."""

    folder: str
    key: str
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    @property
    def word(self) -> Word:
        return Word.FAIL if self.problems else Word.PASS

    @property
    def sentence(self) -> str:
        """The first place that is wrong, else that all is as it was signed."""
        if self.problems:
            return self.problems[0].sentence
        count = f"{len(self.records)} record" + ("" if len(self.records) == 1 else "s")
        return (
            f"{count}, each as it was signed by key {self.key[:16]}, in its place, to the last that head.json tells of"
        )

    def to_json(self) -> dict[str, Any]:
        """As `harness drill verify --json` prints it."""
        return {
            "word": self.word,
            "sentence": self.sentence,
            "folder": self.folder,
            "key": self.key,
            "records": len(self.records),
            "last_sha256": self.records[-1].sha256 if self.records else NOTHING,
            "problems": [{"place": one.place, "seq": one.seq, "sentence": one.sentence} for one in self.problems],
            "notes": list(self.notes),
        }


def prove(folder: Path, public_key: Path | None = None, kept: Path | None = None) -> Proof:
    """Reads all of `folder`. `public_key` and `kept` (a head.json, or any record) were kept elsewhere; without a key
    the one beside the records is believed. Raises HarnessError where there is nothing to prove, or to hold it against.
    A record that comes meanwhile is no problem: then all is read again.
    """
    for _ in range(READ_AGAIN_MAX):
        before = _bytes(folder / files.HEAD_FILE)
        proof = _prove(folder, public_key, kept)
        if _bytes(folder / files.HEAD_FILE) == before:
            break
    return proof


def _prove(folder: Path, public_key: Path | None, kept: Path | None) -> Proof:
    numbers, others = files.record_files(folder)
    beside = folder / files.PUBLIC_KEY_FILE
    if not numbers and not others and not beside.exists() and not (folder / files.HEAD_FILE).exists() and kept is None:
        raise HarnessError(f"no records in {folder}; the first drill writes the first: harness drill run NAME")
    if public_key is None and not beside.exists():
        sentence = (
            f"{files.PUBLIC_KEY_FILE} is gone, and nothing can be proven without it; give one kept elsewhere: --key"
        )
        return Proof(str(folder), "", (), (Problem(files.PUBLIC_KEY_FILE, sentence),))
    problems: list[Problem] = []
    try:
        key = keys.read_public(public_key or beside)
    except RecordError as error:
        if public_key is not None:
            raise HarnessError(str(error)) from None
        return Proof(str(folder), "", (), (Problem(files.PUBLIC_KEY_FILE, str(error)),))
    if public_key is not None:
        problems += _of_the_key(beside, key, public_key)
    sound, found = _records(folder, numbers, key)
    problems += found
    problems += [
        Problem(f"records/{name}", f"records/{name} is no record: nothing but records belongs there") for name in others
    ]
    notes: list[str] = []
    last = numbers[-1] if numbers else 0
    problems += _of_the_head(folder, last, sound, key, notes)
    if kept is not None:
        problems += _of_what_was_kept(kept, last, sound, key)
    records = tuple(record for _, record in sorted(sound.items()))
    return Proof(str(folder), keys.fingerprint(key), records, tuple(problems), tuple(notes))


def _of_the_key(beside: Path, key: Ed25519PublicKey, given: Path) -> Iterator[Problem]:
    """key.pub.pem against the key that was kept elsewhere."""
    try:
        theirs = keys.fingerprint(keys.read_public(beside))
    except RecordError as error:
        yield Problem(files.PUBLIC_KEY_FILE, str(error))
        return
    if theirs != (ours := keys.fingerprint(key)):
        yield Problem(
            files.PUBLIC_KEY_FILE,
            f"{files.PUBLIC_KEY_FILE} is another key, {theirs[:16]}, than the one kept in {given}, {ours[:16]}: "
            "whoever put it there may have written all of the records anew",
        )


def _records(folder: Path, numbers: list[int], key: Ed25519PublicKey) -> tuple[dict[int, Record], list[Problem]]:
    """(the records that are sound, by their numbers; what is wrong with the others, in their order)."""
    raws = {number: _bytes(files.record_path(folder, number)) for number in numbers}
    opened: dict[int, Record | str] = {number: _opened(raw, key) for number, raw in raws.items()}
    sound: dict[int, Record] = {}
    problems: list[Problem] = []
    expected = 1
    for number in numbers:
        if number > expected:
            gone = _few(expected, number - 1)
            problems.append(Problem(_name(expected), f"{gone} missing, and record {number} is there", expected))
        expected = number + 1
        record = opened[number]
        if isinstance(record, str):
            sentence = f"record {number} was changed after it was signed: {record}"
        elif record.seq != number:
            sentence = _in_a_wrong_place(number, record, opened)
        else:
            sound[number] = record
            problems += _of_what_it_follows(record, sound.get(number - 1), sound)
            continue
        if sentence:
            problems.append(Problem(_name(number), sentence, number))
    return sound, problems


def _bytes(path: Path) -> bytes | str:
    """Its bytes, or why there are none."""
    try:
        raw = files.read(path)
    except RecordError as error:
        return str(error)
    return raw if raw is not None else "it leads nowhere"


def _opened(raw: bytes | str, key: Ed25519PublicKey) -> Record | str:
    """The record, or why it is none."""
    if isinstance(raw, str):
        return raw
    try:
        return open_record(raw, key)
    except Broken as error:
        return str(error)


def _in_a_wrong_place(number: int, record: Record, opened: dict[int, Record | str]) -> str:
    """What was done to a sound record that is in another's place; "" where it was told with the other of a pair."""
    there = opened.get(record.seq)
    if isinstance(there, Record):
        if there.seq == number:
            return f"records {number} and {record.seq} were swapped" if number < record.seq else ""
        if there.seq == record.seq:
            return f"{_name(number)} is a copy of record {record.seq}, under another number"
    return f"record {number} is missing, and record {record.seq} was put in its place"


def _of_what_it_follows(record: Record, before: Record | None, sound: dict[int, Record]) -> Iterator[Problem]:
    """A sound record against the one before it, and against the one that it is about."""
    if (record.seq == 1 and record.previous != NOTHING) or (before and record.previous != before.sha256):
        place = max(1, record.seq - 1)
        follower = f"that record {record.seq} follows" if before else "that begins a chain"
        yield Problem(
            _name(place),
            f"record {place} is not the one {follower}: it was signed anew, or two chains are mixed",
            place,
        )
    about = record.body.get("about")
    told = sound.get(about) if isinstance(about, int) else None
    if record.kind == "learning" and told and told.seq < record.seq and record.body.get("about_sha256") != told.sha256:
        yield Problem(
            _name(told.seq), f"record {told.seq} is not the one that learning {record.seq} is about", told.seq
        )


def _of_the_head(
    folder: Path, last: int, sound: dict[int, Record], key: Ed25519PublicKey, notes: list[str]
) -> Iterator[Problem]:
    """The end of the chain against head.json."""
    name = files.HEAD_FILE
    try:
        raw = files.read(folder / name)
        head = open_head(raw, key) if raw is not None else None
    except (Broken, RecordError) as error:
        yield Problem(name, f"{name} was changed after it was signed: {error}")
        return
    if head is None:
        yield Problem(name, f"{name} is gone: nobody can tell whether records after {last} were cut off at the end")
        return
    yield from _against(head, name, last, sound)
    if last == head.seq + 1:
        notes.append(
            f"record {last} came after {name}: the harness ended between the two; the next record mends that by itself"
        )
    elif last > head.seq:
        yield Problem(name, f"{name} is an old one: it ends at record {head.seq}, and record {last} is there")


def _of_what_was_kept(kept: Path, last: int, sound: dict[int, Record], key: Ed25519PublicKey) -> Iterator[Problem]:
    """The chain against a head or a record that was kept elsewhere. Raises HarnessError."""
    try:
        raw = files.read(kept)
        if raw is None:
            raise HarnessError(f"{kept} is not there; give a head.json, or a record, that was kept elsewhere")
        kind = parse(raw).get("kind")
        at = open_head(raw, key) if kind == "head" else open_record(raw, key)
    except ValueError as error:
        raise HarnessError(f"{kept} is neither a head.json nor a record: {error}") from None
    except Broken as error:
        yield Problem(str(kept), f"{kept} does not belong to this chain: {error}")
        return
    yield from _against(at, str(kept), last, sound)


def _against(at: Head | Record, name: str, last: int, sound: dict[int, Record]) -> Iterator[Problem]:
    """The chain against one that tells how far it went, and by which bytes."""
    if at.seq > last:
        when = f", signed {at.at}," if isinstance(at, Head) else ""
        gone = _few(last + 1, at.seq)
        yield Problem(_name(last + 1), f"{gone} cut off at the end: {name}{when} tells of {at.seq}", last + 1)
    elif at.seq in sound and sound[at.seq].sha256 != at.sha256:
        yield Problem(_name(at.seq), f"record {at.seq} is not the one that {name} tells of: it was signed anew", at.seq)


def _few(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"


def _name(seq: int) -> str:
    return f"records/{seq:06d}.json"
