"""Restores a base backup and its WAL into a scratch server, to an explicit target: without one, a gap in the WAL
passes in silence with half of the rows."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

from harness.backup import backup_manifest, wal
from harness.backup.manifest import Manifest
from harness.backup.options import Options, Target
from harness.backup.place import Layout, wrong_modes
from harness.backup.report import Judgement
from harness.backup.running import LACKS, Bad, Deadline, NotJudged, run
from harness.backup.scratch import OWNER, Scratch
from harness.backup.session import QueryError
from harness.backup.shape import BASE, Shape
from harness.backup.unpack import say_no_space
from harness.record import Word

_CLEAN = ("shut down", "shut down in recovery")
_REFUSED = re.compile(r"role \".*\" does not exist|permission denied|not permitted to log in")


@dataclass(frozen=True, slots=True)
class Control:
    """What pg_controldata says: the cluster's state, whether it has checksums, the size of a WAL segment."""

    state: str
    checksums: bool
    segment_bytes: int
    prepared_max: int


class PhysicalRestore:
    """One restore. Judgements of what was seen on the way go to `found`. Raises Bad, NotJudged and OutOfTime."""

    def __init__(
        self, shape: Shape, scratch: Scratch, deadline: Deadline, options: Options, manifest: Manifest | None
    ) -> None:
        self._shape, self._scratch, self._deadline = shape, scratch, deadline
        self._options, self._manifest = options, manifest
        self.found: list[Judgement] = []
        self.not_judged: dict[str, str] = {}
        self.control = Control("", False, 16 << 20, 0)

    def run(self) -> None:
        """Up to a server that takes queries, promoted at the target."""
        layout = Layout(self._shape, self._scratch, self._deadline)
        archive = self._archive()
        if self._shape.format == BASE:
            self._judge(
                "file modes", wrong_modes(self._shape.main), "its owner can read them, and not anybody may write them"
            )
        layout.lay_out()
        self._refuse_incremental()
        self._look_at_list(archive)
        layout.make_ours()
        self.control = self._read_control()
        label = self._label()
        settings = self._recovery(archive, label) if label is not None else []
        self._start(settings)

    def _refuse_incremental(self) -> None:
        """Raises NotJudged for one of 17 and later that holds only what changed since another."""
        label = self._scratch.data / "backup_label"
        if label.is_file() and "\nINCREMENTAL FROM LSN:" in label.read_text(encoding="utf-8", errors="replace"):
            raise NotJudged(
                "it is an incremental backup, which holds only what changed since another: give what pg_combinebackup "
                "makes of it and of those before it"
            )

    def _judge(self, detector: str, wrong: list[str], well: str) -> None:
        if wrong:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            self.found.append(Judgement(detector, Word.FAIL, wrong[0] + more, {"wrong": len(wrong)}))
        else:
            self.found.append(Judgement(detector, Word.PASS, well))

    def _archive(self) -> Path | None:
        """The folder of WAL: as it is asked, else as the manifest says."""
        if self._options.wal is not None:
            if not self._options.wal.is_dir():
                raise NotJudged(f"there is no folder of WAL at {self._options.wal}")
            return self._options.wal
        if self._manifest is None or not self._manifest.wal or self._shape.manifest is None:
            return None
        folder = self._shape.manifest.parent / self._manifest.wal
        if not folder.is_dir():
            raise Bad("wal", f"the archive of WAL that the manifest names ({self._manifest.wal}) is not there")
        return folder

    def _look_at_list(self, archive: Path | None) -> None:
        """What pg_verifybackup does."""
        data = self._scratch.data
        path = data / backup_manifest.NAME
        if not path.is_file():
            if self._manifest is not None and any(one.endswith(backup_manifest.NAME) for one in self._manifest.files):
                raise Bad("pg_verifybackup", "backup_manifest is not there")
            self.not_judged["pg_verifybackup"] = "the base backup has no backup_manifest"
            return
        try:
            listed = backup_manifest.parse(path.read_bytes())
        except ValueError as error:
            self._judge("pg_verifybackup", [str(error)], "")
            return
        wrong = list(backup_manifest.wrong_files(data, listed, self._deadline.left_s))
        self._judge("pg_verifybackup", wrong, f"{len(listed.files)} files are as backup_manifest says")
        places = [data / "pg_wal", *([archive] if archive is not None else [])]
        missing = [
            f"the WAL segment {name} is not there; the backup cannot be made consistent without it"
            for timeline, start, end in listed.ranges
            for name in backup_manifest.segments(start, end, timeline, self._segment_bytes())
            if not self._has(places, name)
        ]
        self._judge("wal range", missing, "the WAL that makes the backup consistent is there")

    @staticmethod
    def _has(places: list[Path], name: str) -> bool:
        return any(next(place.glob(f"{name}*"), None) is not None for place in places)

    def _segment_bytes(self) -> int:
        sizes = [one.stat().st_size for one in (self._scratch.data / "pg_wal").glob("[0-9A-F]*") if one.is_file()]
        fitting = [one for one in sizes if one >= 1 << 20 and one & (one - 1) == 0]
        return max(fitting, default=16 << 20)

    def _read_control(self) -> Control:
        done = run([self._scratch.bin / "pg_controldata", "-D", self._scratch.data], self._deadline)
        if done.code != 0:
            raise Bad("starts", f"global/pg_control cannot be read: {done.first_error}")
        if "CRC" in done.out + done.err and "does not match" in done.out + done.err:
            raise Bad("starts", "global/pg_control is damaged: its checksum is another")
        values = {key.strip(): value.strip() for key, _, value in (one.partition(":") for one in done.out.splitlines())}
        return Control(
            values.get("Database cluster state", ""),
            values.get("Data page checksum version", "0") != "0",
            int(values.get("Bytes per WAL segment", 16 << 20)),
            int(values.get("max_prepared_xacts setting", 0)),
        )

    def _label(self) -> str | None:
        """backup_label; None for the folder of a server that was stopped cleanly, which has none and needs none."""
        path = self._scratch.data / "backup_label"
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="replace")
        if (self._scratch.data / backup_manifest.NAME).is_file() or self._manifest is not None:
            raise Bad("backup_label", "backup_label is not there: it would start, and lose what was written meanwhile")
        if self.control.state not in _CLEAN:
            raise Bad(
                "backup_label", f"backup_label is not there, and the server was not stopped ({self.control.state})"
            )
        self.not_judged["wal"] = "it is the folder of a server that was stopped: it needs no WAL"
        return None

    def target(self, archive: Path | None) -> Target:
        """Where recovery ends. Raises NotJudged where nobody said so."""
        if self._options.target is not None:
            return self._options.target
        if self._manifest is not None and self._manifest.target:
            return Target("name", self._manifest.target)
        if archive is None:
            return Target("immediate")
        raise NotJudged(
            "a restore from an archive of WAL needs an explicit target, or a gap in it passes in silence: give "
            "--target name=..., lsn=..., time=... or immediate"
        )

    def _end(self, target: Target) -> int | None:
        """The LSN after which no WAL is needed; None where nobody knows."""
        manifest = self._manifest
        if target.kind == "lsn":
            return backup_manifest.lsn_number(target.value)
        if target.kind == "name" and manifest is not None and target.value == manifest.target:
            with contextlib.suppress(ValueError):
                return backup_manifest.lsn_number(manifest.lsn)
        return None

    def _recovery(self, archive: Path | None, label: str) -> list[str]:
        target = self.target(archive)
        scratch, into = self._scratch, self._scratch.folder / "wal"
        into.mkdir()
        scratch.own(into)
        if archive is not None:
            chosen = wal.choose(archive, wal.start_of(label), self._end(target), self.control.segment_bytes)
            say_no_space(into, wal.bytes_of(chosen.values()))
            for name, path in chosen.items():
                self._deadline.left_s()
                wal.lay(path, into / name, self.control.segment_bytes)
                scratch.own(into / name)
        else:
            wal.start_of(label)
            self.not_judged["wal archive"] = "none is given: restored to the backup's own end"
        (scratch.data / "recovery.signal").touch()
        scratch.own(scratch.data / "recovery.signal")
        name = "recovery_target" if target.kind == "immediate" else f"recovery_target_{target.kind}"
        settings = {
            "restore_command": "cp ../wal/%f %p",
            name: target.setting,
            "recovery_target_action": "promote",
            "recovery_target_timeline": target.timeline,
        }
        return [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]

    def _start(self, settings: list[str]) -> None:
        more = {
            "hot_standby": "off",
            "wal_level": "replica",
            "max_prepared_transactions": str(self.control.prepared_max),
        }
        self._scratch.settings |= more
        try:
            self._scratch.start(self._deadline, *settings)
        except Bad as bad:
            said = self._scratch.said()
            if lacks := next((line for line in said.splitlines() if LACKS.search(line)), ""):
                raise NotJudged(f"the PostgreSQL that is here lacks what the backup needs: {lacks.strip()}") from bad
            if "recovery ended before configured recovery target was reached" in said:
                raise Bad(
                    "target", f"the WAL ends before the target{_where(said)}: a segment is missing or damaged"
                ) from bad
            raise
        self._judge("starts", [], f"it recovers to its target and starts{self._scratch.network_said}")
        self._be_superuser()

    def _be_superuser(self) -> None:
        """A role to look at all of it with: postgres where there is one, else one that is made."""
        for user in ("postgres", OWNER):
            self._scratch.user = user
            try:
                with self._scratch.session("template1", self._deadline) as session:
                    if session.value("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user") == "t":
                        return
            except QueryError as error:
                if not _REFUSED.search(str(error)):
                    self.say_locale(error)
                    raise Bad("starts", f"the restored server does not answer: {error}") from error
        self._scratch.stop()
        ask = f"CREATE ROLE {OWNER} SUPERUSER LOGIN".encode()
        command: list[str | Path] = [self._scratch.bin / "postgres", "--single", "-D", self._scratch.data, "template1"]
        done = run(command, self._deadline, given=ask + b"\n")
        if done.code != 0:
            raise Bad("starts", f"the restored server takes nobody in: {done.first_error}")
        self._scratch.start(self._deadline)

    @staticmethod
    def say_locale(error: QueryError) -> None:
        """Raises NotJudged where this machine lacks the locale of a database."""
        if "locale" in str(error) or "ICU" in str(error):
            raise NotJudged(
                f"the locale of the restored database is not on this machine: {error}; make it with localedef"
            )


def _where(said: str) -> str:
    found = re.findall(
        r"(?:redo done at|invalid record length at|last completed transaction was at log time) ([^\s:]+)", said
    )
    return f" (at {found[-1]})" if found else ""
