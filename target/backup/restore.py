"""Restores a physical backup into an empty data folder, to an explicit target, with files alone: no program is needed.

All WAL on the way to the target is laid into the data folder, so that the server that recovers needs nothing but it; a
restore without a target would end at the first segment that is missing, and say that all is well.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from target.backup.folder import Backup, BackupError, Folder, read_backup
from target.backup.take import sums
from target.backup.targets import Target, Wish, held, target_of
from target.backup.wal import Archive, lsn_of

WAL_FOLDER = "wal-to-recover"
CONTROL = Path("global", "pg_control")
"""No server starts without it: it is laid out last, so that nothing starts from a restore that was cut off."""
HARMLESS = frozenset({"lost+found"})
OWN = re.compile(r"^\s*(restore_command|recovery_\w+)\s*=")
SPARE_BYTES = 32 * 2**20


def restore(
    folder: Folder, chosen: str, into: Path, wish: Wish, weakness: frozenset[str], say: Callable[[str], None]
) -> None:
    """`chosen` is `latest` or a backup's folder. Raises BackupError, before anything was written where it can."""
    try:
        with folder.in_use():
            refuse_what_is_in_use(into)
            archive = Archive(folder.wal)
            backup, target = _choose(folder, archive, chosen, wish, say)
            segments = _segments(archive, backup, target)
            _refuse_without_space(backup, segments, into)
            owner = _owner(into)
            _lay_out(backup, segments, archive, into)
            _settle(into, target, weakness)
            if (backup.path / "base" / CONTROL).exists():
                shutil.copyfile(backup.path / "base" / CONTROL, into / CONTROL)
            _give(into, owner)
    except shutil.Error as error:  # of many files, each with its own
        raise BackupError(
            f"{into}: {len(error.args[0])} files could not be copied, the first: {error.args[0][0][2]}"
        ) from error
    except OSError as error:
        raise BackupError(f"{error.filename or into}: {error.strerror or error}") from error
    what = target.setting.removeprefix("recovery_target_")
    say(f"{backup.path} is in {into}, to be recovered to {what} {target.value} on timeline {target.timeline}")


def refuse_what_is_in_use(into: Path) -> None:
    """Raise BackupError for a folder that a server runs on, or that holds anything."""
    if not into.exists():
        return
    if not into.is_dir():
        raise BackupError(f"{into} is no folder; give that of PostgreSQL's data, empty or not there")
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int((into / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        if Path(f"/proc/{pid}/cwd").resolve() == into.resolve():  # where PostgreSQL always is
            raise BackupError(f"a server runs on {into} (process {pid}); stop it before its data is restored")
    found = sorted(one.name for one in into.iterdir() if one.name not in HARMLESS)
    if found:
        raise BackupError(
            f"{into} is not empty: it holds {', '.join(found[:3])}{' and more' if len(found) > 3 else ''}; a restore "
            "goes into an empty folder: stop the server, and move what is there away"
        )


def _choose(
    folder: Folder, archive: Archive, chosen: str, wish: Wish, say: Callable[[str], None]
) -> tuple[Backup, Target]:
    """The newest backup that is as it was made and from which the target can be reached, and that target."""
    if chosen == "latest":
        candidates = folder.backups("physical")
    else:
        place = Path(chosen)
        one = read_backup(place)
        if one is None or one.kind != "physical":
            raise BackupError(
                f"{place} is no whole physical backup: it needs a manifest.json of that kind; those of {folder.path}: "
                f"{', '.join(one.name for one in folder.backups('physical')) or 'none'}"
            )
        candidates = [one]
    refused = []
    for backup in candidates:
        damage = damage_of(backup)
        if damage:
            refused.append(f"{backup.name} is damaged ({damage})")
            say(refused[-1])
            continue
        target = target_of(folder, archive, backup, wish, say)
        if target is not None:
            return backup, target
        own = backup.manifest
        gap = archive.gap(backup.started_lsn, lsn_of(own["lsn"]), int(own["timeline"]), held(backup))
        refused.append(f"{backup.name} does not lead to {wish}{f': {gap} of the WAL is missing' if gap else ''}")
    raise BackupError(
        f"nothing to restore from: {'; '.join(refused)}" if refused else f"there is no physical backup in {folder.path}"
    )


def damage_of(backup: Backup) -> str:
    """The first file that is not as the manifest says, or cannot be read; "" where all are well."""
    if backup.kind == "physical" and not {"lsn", "timeline", "finished_at"} <= backup.manifest.keys():
        return "its manifest does not say up to where it goes"
    try:
        found = sums(backup.path)
    except OSError as error:
        return f"{error.filename} cannot be read: {error.strerror}"
    for name, wanted in backup.manifest.get("files", {}).items():
        if name not in found:
            return f"{name} is missing"
        if found[name] != wanted:
            return f"{name} is not what was written"
    return ""


def _segments(archive: Archive, backup: Backup, target: Target) -> dict[str, Path]:
    """The WAL to lay out, by its name."""
    assert target.end is not None
    names = archive.needed(backup.started_lsn, target.end, target.timeline)
    return {name: archive.segments[name] for name in names if name in archive.segments}


def _refuse_without_space(backup: Backup, segments: dict[str, Path], into: Path) -> None:
    wanted = sum(int(one["bytes"]) for one in backup.manifest["files"].values()) + SPARE_BYTES
    wanted += sum(one.stat().st_size for one in segments.values())
    place = next(one for one in (into, *into.parents) if one.exists())
    free = shutil.disk_usage(place).free
    if free < wanted:
        raise BackupError(f"{place} has {free // 2**20} MiB free, and the restore needs {wanted // 2**20}; make room")


def _owner(into: Path) -> tuple[int, int]:
    """Whose the data is to be: the folder's owner, or, where it is gone, that of the one above it."""
    status = next(one for one in (into, *into.parents) if one.exists()).stat()
    return status.st_uid, status.st_gid


def _lay_out(backup: Backup, segments: dict[str, Path], archive: Archive, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    base = backup.path / "base"
    late = {str(base / CONTROL.parent): {CONTROL.name}}
    shutil.copytree(base, into, symlinks=True, dirs_exist_ok=True, ignore=lambda at, _: late.get(str(at), set()))
    wal = into / WAL_FOLDER
    wal.mkdir()
    for name, path in segments.items():
        shutil.copyfile(path, wal / name)
    for path in archive.histories.values():
        shutil.copyfile(path, wal / path.name)


def _settle(into: Path, target: Target, weakness: frozenset[str]) -> None:
    """Tell the server how to recover, and that it shall. What an earlier restore wrote is taken out."""
    place = into / "postgresql.auto.conf"
    before = place.read_text(encoding="utf-8").splitlines() if place.exists() else []
    settings = {
        "restore_command": f'cp "{WAL_FOLDER}/%f" "%p"',  # in the data folder, where the server runs it
        "recovery_end_command": f"rm -rf {WAL_FOLDER}",
        target.setting: target.value,
        "recovery_target_timeline": str(target.timeline),
        "recovery_target_action": "promote",
    }
    if "restore-no-target" in weakness:
        # planted weakness: it recovers to wherever the WAL ends, and calls that done
        settings = {name: value for name, value in settings.items() if not name.startswith("recovery_target")}
    lines = [f"{name} = '{value}'" for name, value in settings.items()]
    kept = [line for line in before if not OWN.match(line)]
    place.write_text("\n".join([*kept, *lines, ""]), encoding="utf-8")
    (into / "recovery.signal").touch()
    (into / "standby.signal").unlink(missing_ok=True)
    (into / "postmaster.pid").unlink(missing_ok=True)


def _give(into: Path, owner: tuple[int, int]) -> None:
    """All of it to its owner, and to nobody else."""
    for path in (into, *into.rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, *owner, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)
