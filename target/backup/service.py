"""The schedule: both kinds of backup, one after the other, again and again; and what of it is wrong at this moment."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Any

from target.backup.beat import Heart
from target.backup.folder import KINDS, BackupError, Folder
from target.backup.receiver import Receiver, known
from target.backup.take import Taker, connected
from target.settings import Settings

STALE_AFTER_PERIODS = 3
FIRST_AFTER_PERIODS = 0.1
"""A stack that has just started is left to it; whoever cannot wait asks for one (`python -m target.backup take`)."""
SILENT_MAX_S = 5.0
"""For so long the archive and the heartbeat may pause, and backups fail, as when the database is started again."""
AGAIN_AFTER_S = 2.0
log = logging.getLogger("backup")


@dataclass(slots=True)
class Done:
    """What became of one kind since we started: good ones, failures, why the last one failed ("": it did not), and
    since when they all did."""

    good: int = 0
    failed: int = 0
    trouble: str = ""
    took_s: float = 0.0
    failing_since: float = 0.0
    good_at: float = field(default_factory=time.monotonic)


class Service:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.folder = Folder(settings.backups)
        self.taker = Taker(self.folder, settings)
        self.receiver, self.heart = Receiver(self.folder, settings), Heart(self.folder, settings)
        self.done = {kind: Done() for kind in KINDS}
        self._began = time.monotonic()

    async def run(self) -> None:
        """Until it is cancelled."""
        if "backup-not-running" in self._settings.weakness:
            return  # planted weakness: the job was taken out of the schedule, and nobody noticed
        await asyncio.sleep(FIRST_AFTER_PERIODS * self._settings.backup_every_s)
        while True:
            began = time.monotonic()
            for kind in KINDS:
                await self._take(kind)
            try:
                await asyncio.to_thread(self.folder.retain, self._settings.backup_keep)
            except (OSError, BackupError):
                log.exception("old backups stay")
            wait_s = began + self._settings.backup_every_s - time.monotonic()
            if any(one.trouble for one in self.done.values()):
                wait_s = min(wait_s, AGAIN_AFTER_S)
            await asyncio.sleep(max(0.5, wait_s))

    async def _take(self, kind: str) -> None:
        done, began = self.done[kind], time.monotonic()
        try:
            async with connected(self._settings) as connection:
                await known(self.folder, connection)
            backup = await self.taker.take(kind)
        except Exception as error:  # whatever it is, the next one may do better
            if not isinstance(error, BackupError):
                log.exception("a backup failed")
            if str(error) != done.trouble:
                log.warning("no %s backup (%s)", kind, error)
            if not done.trouble:
                done.failing_since = time.monotonic()
            done.failed, done.trouble = done.failed + 1, str(error) or type(error).__name__
            return
        done.good, done.trouble, done.took_s = done.good + 1, "", time.monotonic() - began
        done.good_at = time.monotonic()
        log.info("%s", backup.path)

    @property
    def troubles(self) -> list[str]:
        """Why the last backup of a kind is not there, or the WAL or the heartbeat is not."""
        found = [
            f"the {kind} backup failed: {one.trouble}"
            for kind, one in self.done.items()
            if one.trouble and time.monotonic() - one.failing_since > SILENT_MAX_S
        ]
        if self.receiver.down_s > SILENT_MAX_S:
            found.append(f"no WAL was received for {self.receiver.down_s:.0f} s: {self.receiver.trouble}")
        elif self.heart.silent_s > SILENT_MAX_S:
            found.append(f"no heartbeat for {self.heart.silent_s:.0f} s: {self.heart.trouble}")
        return found

    @property
    def stale_s(self) -> float:
        """How old the last good backup is, by the kind that waits longer; since our start where there is none."""
        return max(time.monotonic() - one.good_at for one in self.done.values())

    @property
    def is_stale(self) -> bool:
        return self.stale_s > STALE_AFTER_PERIODS * self._settings.backup_every_s

    @property
    def unverified(self) -> str:
        """Why a kind does not count as verified; "" where each does. One that never was has time from our start on."""
        within_s, kinds = self._settings.verify_within_s, self.folder.verified()["kinds"]
        for kind, one in kinds.items():
            if one.get("word") != "pass":
                return f"{one.get('backup') or 'the backup'}: {one.get('sentence', 'it did not pass')}"
            if one["age_s"] > within_s:
                return f"the last verification of a {f'{kind} ' if kind else ''}backup was {one['age_s']:.0f} s ago"
        never, waited_s = [kind for kind in KINDS if kind not in kinds], time.monotonic() - self._began
        return (
            f"no {' or '.join(never)} backup was verified for {waited_s:.0f} s" if never and waited_s > within_s else ""
        )

    def status(self) -> dict[str, Any]:
        newest = {kind: next((one.name for one in self.folder.backups(kind)), None) for kind in KINDS}
        last = self.heart.last
        return {
            "troubles": self.troubles,
            "stale": self.is_stale,
            "unverified": self.unverified,
            "newest": newest,
            "good": {kind: one.good for kind, one in self.done.items()},
            "failed": {kind: one.failed for kind, one in self.done.items()},
            "took_s": {kind: round(one.took_s, 3) for kind, one in self.done.items()},
            "receiving": self.receiver.down_s == 0,
            "gaps": self.receiver.gaps,
            "point": {"name": last.name, "at": last.at} if last else None,
        }
