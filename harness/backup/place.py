"""Lays a base backup out as the scratch server's data: copied or unpacked, with nothing that leads out of it or phones
home."""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path

from harness.backup import backup_manifest
from harness.backup.data_files import copy_file
from harness.backup.running import Bad, Deadline
from harness.backup.scratch import Scratch
from harness.backup.shape import BASE_TAR, Shape
from harness.backup.unpack import ARCHIVE, say_no_space, unpack

_LEFT = (
    "postmaster.pid",
    "postmaster.opts",
    "standby.signal",
    "recovery.signal",
    "recovery.conf",
    "postgresql.auto.conf",
)
_CONFIGS = {
    "postgresql.conf": "",
    "pg_hba.conf": "local all all trust\n",
    "pg_ident.conf": "",
    "postgresql.auto.conf": "",
}
"""A backup's own settings are not taken over: they name its archive, its standbys, its addresses, its libraries."""
_OID = re.compile(r"\d+\Z")


class Layout:
    """One base backup as `scratch.data`. Raises Bad, NotJudged and OutOfTime."""

    def __init__(self, shape: Shape, scratch: Scratch, deadline: Deadline) -> None:
        self._shape, self._scratch, self._deadline = shape, scratch, deadline
        self._spaces = scratch.folder / "tablespaces"

    def lay_out(self) -> None:
        """The files as they were backed up, to be looked at before anything is changed."""
        self._scratch.data.mkdir()
        if self._shape.format == BASE_TAR:
            self._unpack_all()
        else:
            say_no_space(self._scratch.data, _bytes_of(self._shape.main))
            self._copy(self._shape.main, self._scratch.data)
        self._link_tablespaces()

    def _unpack_all(self) -> None:
        main, data = self._shape.main, self._scratch.data
        seen: set[str] = set()
        for archive in sorted(main.iterdir()):
            if (found := ARCHIVE.match(archive.name)) is None:
                continue
            place = data if found[1] == "base" else data / "pg_wal" if found[1] == "pg_wal" else self._spaces / found[1]
            if found[1] in seen:
                raise Bad("archive", f"{main.name} holds {found[1]}.tar more than once: leave one of them")
            seen.add(found[1])
            place.mkdir(parents=True, exist_ok=True)
            unpack(archive, place, self._deadline)
        if (main / backup_manifest.NAME).is_file():
            shutil.copyfile(main / backup_manifest.NAME, data / backup_manifest.NAME)

    def _copy(self, source: Path, target: Path) -> None:
        for entry in sorted(os.scandir(source), key=lambda one: one.name):
            self._deadline.left_s()
            place, path = target / entry.name, Path(entry.path)
            if entry.is_symlink():
                self._symlink(path)
            elif entry.is_dir():
                place.mkdir()
                self._copy(path, place)
            elif entry.is_file():
                try:
                    copy_file(path, place, self._deadline)
                except PermissionError as error:
                    raise Bad("file modes", f"{path.name} cannot be read: {error.strerror}") from error
            else:
                raise Bad("links", f"{path.name} is no plain file; refused")

    def _symlink(self, path: Path) -> None:
        """Links of tablespaces are followed within the backup, pg_wal's too; all others are refused."""
        if not path.is_relative_to(self._shape.main):
            raise Bad("links", f"{path.name}, in a tablespace, is a link to {os.readlink(path)}; refused")
        name = path.relative_to(self._shape.main)
        root = self._shape.manifest.parent if self._shape.manifest is not None else self._shape.main.parent
        resolved = path.resolve()
        inside = resolved.is_dir() and root.resolve() in resolved.parents
        if str(name) == "pg_wal":
            self._scratch.data.joinpath("pg_wal").mkdir()
            if inside:
                self._copy(resolved, self._scratch.data / "pg_wal")
        elif name.parts[0] == "pg_tblspc" and _OID.match(name.name) and inside:
            (self._spaces / name.name).mkdir(parents=True)
            self._copy(resolved, self._spaces / name.name)
        else:
            raise Bad("links", f"{name} is a link to {os.readlink(path)}, which leads out of the backup; refused")

    def _link_tablespaces(self) -> None:
        """To what was copied."""
        if self._spaces.is_dir():
            links = self._scratch.data / "pg_tblspc"
            links.mkdir(exist_ok=True)
            for one in sorted(self._spaces.iterdir()):
                (links / one.name).symlink_to(one)

    def _map_tablespaces(self) -> None:
        """Recovery makes the links that tablespace_map says, so that is written anew."""
        path = self._scratch.data / "tablespace_map"
        if not path.exists():
            return
        path.unlink()
        if self._spaces.is_dir():
            places = {one.name: str(one).replace("\\", "\\\\") for one in sorted(self._spaces.iterdir())}
            path.write_text("".join(f"{oid} {place}\n" for oid, place in places.items()), encoding="utf-8")

    def make_ours(self) -> None:
        """Settings of our own, no standby, no slots; all of it belongs to whom the server runs as."""
        data = self._scratch.data
        self._map_tablespaces()
        for name in _LEFT:
            (data / name).unlink(missing_ok=True)
        for name, text in _CONFIGS.items():
            (data / name).write_text(text, encoding="utf-8")
        for name in (
            "pg_replslot",
            "pg_stat_tmp",
            "pg_notify",
            "pg_dynshmem",
            "pg_subtrans",
            "pg_snapshots",
            "pg_serial",
        ):
            shutil.rmtree(data / name, ignore_errors=True)
            (data / name).mkdir()
        for name in ("pg_tblspc", "pg_commit_ts", "pg_stat", "pg_twophase", "pg_wal", "pg_wal/archive_status"):
            (data / name).mkdir(exist_ok=True)
        for top in (data, self._spaces):
            if top.is_dir():
                _own_all(top, self._scratch)


def _own_all(top: Path, scratch: Scratch) -> None:
    scratch.own(top)
    top.chmod(0o700)
    for folder, folders, files in os.walk(top):
        for name in folders:
            path = Path(folder, name)
            scratch.own(path)
            if not path.is_symlink():
                path.chmod(0o700)
        for name in files:
            scratch.own(Path(folder, name))
            Path(folder, name).chmod(0o600)


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def wrong_modes(folder: Path) -> list[str]:
    """What its owner may not read, or anybody may write. All else a chmod of the copy mends, which is restored."""
    wrong = []
    for path in (folder, *sorted(folder.rglob("*"))):
        if path.is_symlink():
            continue
        name = folder.name if path == folder else path.relative_to(folder)
        mode, needed = stat.S_IMODE(path.stat().st_mode), 0o500 if path.is_dir() else 0o400
        if mode & needed != needed:
            wrong.append(f"{name} has mode {mode:04o}: its owner may not read it")
        elif mode & 0o002:
            wrong.append(f"{name} has mode {mode:04o}: anybody may write it")
    return wrong
