"""Verifies a backup by restoring it: recognise, restore into a scratch server, judge. A bad backup is a report, never
an error."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.backup import programs
from harness.backup.files import judge_files
from harness.backup.folder import in_use
from harness.backup.judge import Judge
from harness.backup.manifest import Manifest, ManifestError
from harness.backup.manifest import read as read_manifest
from harness.backup.modes import judge_modes, judge_roles
from harness.backup.options import Options, Target
from harness.backup.recognise import recognise
from harness.backup.report import Judgement, Report
from harness.backup.restore_logical import LogicalRestore
from harness.backup.restore_physical import PhysicalRestore
from harness.backup.running import NO_SPACE, Bad, Deadline, NotJudged, OutOfTime
from harness.backup.scratch import Scratch, refuse_in_use
from harness.backup.session import QueryError, Session
from harness.backup.shape import BASE, LOGICAL, Shape
from harness.backup.structures import Structures
from harness.errors import BackupError, HarnessError, StartError
from harness.record import Word


def verify(backup: Path, options: Options | None = None, *, cancelled: Callable[[], bool] = lambda: False) -> Report:
    """Restore it, look at all of it, and say what was found. Raises BackupError for options that are wrong only."""
    asked = options if options is not None else Options()
    if asked.scratch is not None:
        refuse_in_use(asked.scratch, backup)
    if asked.postgres is not None and not (asked.postgres / "postgres").is_file():
        raise BackupError(f"{asked.postgres} holds no program postgres; give the folder bin of a PostgreSQL")
    if asked.manifest is not None and not asked.manifest.is_file():
        raise BackupError(f"there is no manifest at {asked.manifest}")
    with in_use(backup):
        return _Verification(Path(backup), asked, cancelled).run()


def none_is_named() -> Report:
    """The report where the name of the backup is empty, as `$(harness backup latest DIR)` is where there is none."""
    sentence = "no backup is named, so that none was restored; is there one at all? See: harness backup latest DIR"
    return Report("", "", (Judgement("recognise", Word.FAIL, sentence),))


class _Verification:
    def __init__(self, backup: Path, options: Options, cancelled: Callable[[], bool]) -> None:
        self._backup, self._options = backup, options
        self._deadline = Deadline(options.within_s, cancelled)
        self._judgements: list[Judgement] = []
        self._not_judged: dict[str, str] = {}
        self._took_s: dict[str, float] = {}
        self._shape: Shape | None = None
        self._taken_at = ""
        self._manifest: Manifest | None = None
        self._has_checksums = False

    def run(self) -> Report:
        phase = "recognise"
        began = time.monotonic()
        try:
            for phase, step in (("recognise", self._recognise), ("restore", self._restore)):
                began = time.monotonic()
                step()
                self._took_s.setdefault(phase, round(time.monotonic() - began, 3))
        except Bad as bad:
            self._say(bad.detector, Word.FAIL, str(bad))
        except NotJudged as reason:
            self._say("restore", Word.UNKNOWN, str(reason))
        except OutOfTime:
            self._say("time", Word.UNKNOWN, f"it was not verified within {self._options.within_s:g} s; give more")
        except QueryError as error:
            self._say("starts", Word.FAIL, f"the restored server does not answer: {error}")
        except OSError as error:
            self._say_os_error(error)
        except HarnessError as error:  # what was asked is right: somebody waits for a word, and for the alert
            self._say("verifier", Word.UNKNOWN, str(error))
        except Exception as error:  # whatever a backup did to us, likewise
            self._say("verifier", Word.UNKNOWN, f"the verifier failed, in {phase}: {type(error).__name__}: {error}")
        self._took_s.setdefault(phase, round(time.monotonic() - began, 3))
        return self._report()

    def _say_os_error(self, error: OSError) -> None:
        if error.errno == 28:
            place = self._options.scratch or "the temporary folder"
            sentence = f"there is no space for the restore in {place} ({NO_SPACE}); give another in --scratch"
            self._say("restore", Word.UNKNOWN, sentence)
        else:
            self._say("restore", Word.UNKNOWN, f"{error.filename or self._backup}: {error.strerror or error}")

    def _report(self) -> Report:
        shape = self._shape
        return Report(
            backup=str(self._backup),
            kind=shape.kind if shape is not None else "",
            judgements=tuple(self._judgements),
            server_version=shape.server if shape is not None else "",
            taken_at=self._taken_at,
            took_s=dict(self._took_s),
            not_judged=dict(self._not_judged),
        )

    def _say(self, detector: str, word: Word, sentence: str) -> None:
        self._judgements.append(Judgement(detector, word, sentence))

    # -- recognise

    def _recognise(self) -> None:
        self._manifest = self._read_manifest()
        shape = self._shape = recognise(self._backup)
        made_by = f"PostgreSQL {shape.server or '?'}"
        self._say("recognise", Word.PASS, f"{shape.main.name} is judged: {shape.kind}, {shape.format}, {made_by}")
        if self._manifest is not None:
            folder = self._backup if self._backup.is_dir() else self._backup.parent
            self._judgements.append(judge_files(folder, self._manifest, shape.main, self._deadline.left_s))
            if shape.kind != self._manifest.kind:
                raise Bad("manifest", f"it is a {shape.kind} backup, and its manifest says {self._manifest.kind}")
        self._judge_version(shape)
        if shape.format != BASE:
            self._judgements.append(judge_modes(shape))
        if self._manifest is not None and (roles := judge_roles(shape, self._manifest)) is not None:
            self._judgements.append(roles)

    def _read_manifest(self) -> Manifest | None:
        path = self._options.manifest
        if path is None:
            path = (self._backup if self._backup.is_dir() else self._backup.parent) / "manifest.json"
            if not path.is_file():
                return None
        try:
            return read_manifest(path)
        except ManifestError as error:
            self._say("manifest", Word.UNKNOWN if error.newer else Word.FAIL, str(error))
            return None

    def _judge_version(self, shape: Shape) -> None:
        then = self._manifest.server_version if self._manifest is not None else ""
        major = programs.major_of(shape.server)
        if shape.server and major is None:
            raise Bad("version", f"its version is no number: {shape.server[:40]!r}")
        if then and shape.server and programs.major_of(then) != major:
            raise Bad("version", f"it says that PostgreSQL {shape.server} made it; its manifest says {then}")
        if major is not None and major > programs.NEWEST and self._options.postgres is None:
            raise NotJudged(
                f"PostgreSQL {major} made it, which is newer than the newest that is known here ({programs.NEWEST})"
            )

    def _bin(self, shape: Shape) -> Path:
        server = programs.major_of(shape.server) or programs.major_of(
            self._manifest.server_version if self._manifest else ""
        )
        tool = programs.major_of(shape.tool) or 0
        if self._options.postgres is not None:
            return self._asked_for(self._options.postgres, shape, server, tool)
        try:
            if shape.kind == LOGICAL:
                wanted = max(server or programs.OLDEST, tool)
                found = programs.find_for_dump(wanted)
                used = programs.major_of(programs.version_of(found))
                if server is not None and used != server:
                    self._not_judged["schema"] = f"restored into PostgreSQL {used}, the next newer one that is here"
                return found
            if server is None:
                raise Bad("version", "no version can be read of it: PG_VERSION is missing or damaged")
            return programs.find(server)
        except StartError as error:
            raise NotJudged(str(error)) from error

    def _asked_for(self, folder: Path, shape: Shape, server: int | None, tool: int) -> Path:
        """The programs that --postgres names. Raises NotJudged where they cannot be those for this backup."""
        given = programs.major_of(programs.version_of(folder))
        least = max(server or 0, tool) if shape.kind == LOGICAL else server
        if given is None or least is None:
            return folder
        if given < least or (given != least and shape.kind != LOGICAL):
            raise NotJudged(
                f"--postgres gives PostgreSQL {given}, and PostgreSQL {least} made the backup: give the bin folder of "
                f"a PostgreSQL {least}{' or newer' if shape.kind == LOGICAL else ''}"
            )
        if server is not None and given != server:
            self._not_judged["schema"] = f"restored into PostgreSQL {given}, which --postgres gives"
        return folder

    # -- restore and judge

    def _restore(self) -> None:
        assert self._shape is not None
        shape = self._shape
        with Scratch(self._bin(shape), place=self._options.scratch) as scratch:
            began = time.monotonic()
            if shape.kind == LOGICAL:
                database, others = self._logical(shape, scratch)
            else:
                database, others = self._physical(shape, scratch)
            self._took_s["restore"] = round(time.monotonic() - began, 3)
            began = time.monotonic()
            try:
                self._judge(scratch, database)
                self._read_others(scratch, others)
                if shape.kind != LOGICAL:
                    self._structures(scratch, [database, *others])
            finally:
                self._took_s["judge"] = round(time.monotonic() - began, 3)

    def _logical(self, shape: Shape, scratch: Scratch) -> tuple[str, list[str]]:
        scratch.initdb(self._deadline)
        scratch.start(self._deadline)
        wanted = self._options.database or (self._manifest.database if self._manifest is not None else "")
        restored = LogicalRestore(shape, scratch, self._deadline, wanted).run()
        self._not_judged |= restored.not_judged
        self._say("restore", Word.PASS, f"restored without an error{scratch.network_said}")
        return restored.database, [one for one in restored.all if one != restored.database]

    def _physical(self, shape: Shape, scratch: Scratch) -> tuple[str, list[str]]:
        restore = PhysicalRestore(shape, scratch, self._deadline, self._options, self._manifest)
        try:
            restore.run()
        finally:
            self._judgements += restore.found
            self._not_judged |= restore.not_judged
        self._has_checksums = restore.control.checksums
        wanted = self._options.database or (self._manifest.database if self._manifest is not None else "")
        return self._databases(scratch, wanted)

    def _databases(self, scratch: Scratch, wanted: str) -> tuple[str, list[str]]:
        """The one that is judged by the manifest, and all others that take connections."""
        with scratch.session("template1", self._deadline) as session:
            rows = session.query("SELECT datname FROM pg_catalog.pg_database WHERE datallowconn ORDER BY datname")
        there = [str(row[0]) for row in rows if row[0] != "template1"]
        if wanted and wanted not in there:
            raise Bad("row counts", f"the database {wanted} is not there; there are: {', '.join(there) or 'none'}")
        users = [one for one in there if one != "postgres"]
        chosen = wanted or (users or there or ["template1"])[0]
        return chosen, [one for one in there if one != chosen]

    def _judge(self, scratch: Scratch, database: str) -> None:
        assert self._shape is not None
        with self._session(scratch, database) as session:
            physical = self._shape.kind != LOGICAL
            manifest = self._manifest
            if manifest is not None and physical and self._options.target is not None:
                manifest = told_at(manifest, self._options.target, self._not_judged)
            judge = Judge(session, manifest, self._not_judged, physical=physical)
            try:
                judge.guarded("readable", judge.tables)
                judge.guarded("sequences", judge.sequences)
                judge.guarded("matviews", judge.views)
                judge.guarded("schema", judge.schema)
                judge.guarded("large objects", judge.large_objects)
                judge.guarded("invariants", lambda: judge.invariants(self._options.invariants))
                judge.guarded("freshness", lambda: self._freshness(judge))
            finally:
                self._judgements += judge.found

    def _session(self, scratch: Scratch, database: str) -> Session:
        try:
            return scratch.session(database, self._deadline)
        except QueryError as error:
            PhysicalRestore.say_locale(error)
            raise

    def _freshness(self, judge: Judge) -> None:
        self._taken_at = judge.freshness(self._options.max_age_s, datetime.now(UTC))

    def _read_others(self, scratch: Scratch, databases: list[str]) -> None:
        """Of the databases that no manifest tells of: that every row can be read."""
        for database in databases:
            with self._session(scratch, database) as session:
                judge = Judge(session, None, {}, physical=self._shape is not None and self._shape.kind != LOGICAL)
                judge.guarded("readable", judge.readable)
                self._judgements += [
                    Judgement(one.detector, one.word, f"database {database}: {one.sentence}", one.evidence)
                    for one in judge.found
                ]

    def _structures(self, scratch: Scratch, databases: list[str]) -> None:
        structures = Structures(scratch, self._deadline, self._not_judged)
        try:
            structures.look(databases)
            structures.checksums(self._has_checksums)
        finally:
            self._judgements += structures.found


def told_at(manifest: Manifest, target: Target, not_judged: dict[str, str]) -> Manifest:
    """What a manifest says of a moment: all of it at its own target, and none of the data's facts at another. Pure."""
    own = {"name": manifest.target, "lsn": manifest.lsn, "immediate": "" if not manifest.target else None}
    if own.get(target.kind) == target.value:
        return manifest
    not_judged["manifest"] = f"its facts are of its own target ({manifest.target or 'its end'}), and not of {target}"
    bare: dict[str, Any] = {"heartbeat": {}, "invariants": (), "schema_hash": ""}
    unknown: dict[str, Any] = dict.fromkeys(("tables", "sequences", "large_objects", "schema_facts"))
    return dataclasses.replace(manifest, **bare, **unknown)
