"""Pulls what is new every few seconds. While it cannot, readers go on with the last good batch, marked stale."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date

from target.billing.ledger import Ledger
from target.database import DatabaseUnavailable
from target.etl.loader import Loader
from target.etl.metrics import Metrics
from target.etl.records import BadFile, Header
from target.etl.source import Feed
from target.etl.store import Store
from target.retry import Refused, Unavailable
from target.settings import Settings

FIRST_DAY = date(2026, 1, 1)
BATCHES_A_PULL = 100
PULL_MAX_S = 60.0
STALE_AFTER_PULLS, STALE_AFTER_MIN_S = 5, 2.0
"""Since the last good pull; where pulls are dense, one that takes a second is still no news."""
log = logging.getLogger("etl")


@dataclass(slots=True)
class Pulled:
    """What one pull did: the ids of its imports, and what went wrong."""

    imports: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Worker:
    def __init__(
        self, feed: Feed, store: Store, loader: Loader, ledger: Ledger, settings: Settings, metrics: Metrics
    ) -> None:
        self._feed, self._store, self._loader, self._ledger, self._metrics = feed, store, loader, ledger, metrics
        self._every_s, self._day_s = settings.pull_every_s, settings.day_s
        self._one_at_a_time = asyncio.Lock()
        self._good_at, self._failed = time.monotonic(), False
        self._today: date | None = None
        self._seen_at = time.monotonic()
        self.last, self._quarantined = Pulled(), 0
        metrics.stale.set_function(lambda: self.stale)

    @property
    def stale(self) -> bool:
        """Readers may not see all that there is."""
        after_s = max(STALE_AFTER_MIN_S, STALE_AFTER_PULLS * self._every_s)
        return self._failed or time.monotonic() - self._good_at > after_s

    @property
    def state(self) -> tuple[bool, list[str], int]:
        """(stale, why, rows in quarantine)."""
        return self.stale, self.last.errors, self._quarantined

    @property
    def today(self) -> date | None:
        """The feed's day: what it said last, and what has gone by since; None while it never said anything."""
        if self._today is None:
            return None
        return date.fromordinal(self._today.toordinal() + int((time.monotonic() - self._seen_at) / self._day_s))

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.pull()
            except Exception:  # whatever it is, the next pull may do better
                log.exception("the pull failed")
            await asyncio.sleep(self._every_s)

    async def pull(self, batch_id: str | None = None) -> Pulled:
        """What is new, and what is to be tried again; or one batch, whether it is there or not. One pull at a time."""
        async with self._one_at_a_time:
            pulled = Pulled()
            try:
                async with asyncio.timeout(PULL_MAX_S):
                    await self._pull(pulled, batch_id)
            except (Unavailable, Refused, TimeoutError) as error:
                pulled.errors.append(f"the feed does not answer ({error})")
            except DatabaseUnavailable as error:
                pulled.errors.append(f"the database does not answer ({error})")
            except Exception:
                self._failed = True
                raise
            self._ended(pulled)
            with suppress(DatabaseUnavailable):
                if self.today is not None:  # also after a pull that failed: what it did not bring is missing
                    await self._ledger.judge(self.today)
            return pulled

    def _ended(self, pulled: Pulled) -> None:
        self.last, self._failed = pulled, bool(pulled.errors)
        self._metrics.pulls.labels("failed" if pulled.errors else "ok").inc()
        if pulled.errors:
            log.warning("pull: %s; readers keep what there is", "; ".join(pulled.errors[:3]))
        else:
            self._good_at = time.monotonic()
            self._metrics.good_at.set_to_current_time()

    async def _pull(self, pulled: Pulled, batch_id: str | None) -> None:
        listing = await self._feed.listing(await self._store.whole_until(FIRST_DAY))
        self._today, self._seen_at = listing.today, time.monotonic()
        if batch_id is None:
            there = await self._store.there()
            wanted = [one for one in listing.batches if one.batch_id not in there][:BATCHES_A_PULL]
            wanted += await self._store.to_try_again()
        else:
            known = await self._store.find(batch_id)
            wanted = [known] if known else [one for one in listing.batches if one.batch_id == batch_id]
        usual = await self._store.usual() if wanted else {}
        for one in wanted:
            await self._import(one, usual, pulled)
        self._quarantined = await self._store.quarantined()
        self._metrics.quarantine.set(self._quarantined)

    async def _import(self, asked: Header, usual: dict[str, float], pulled: Pulled) -> None:
        try:
            batch = await self._feed.batch(asked, usual)
        except BadFile as error:
            pulled.imports.append(await self._loader.reject(asked, error))
            pulled.errors.append(f"{asked.batch_id} was rejected ({error.reason})")
            self._metrics.rows.labels("rejected").inc(len(error.rows))
            return
        import_id, account = await self._loader.load(batch)
        pulled.imports.append(import_id)
        for outcome, rows in account.row_ids().items():
            self._metrics.rows.labels(outcome).inc(len(rows))
        for row in batch.quarantined:
            log.warning("import %d: %s of %s is quarantined (%s)", import_id, row.row, asked.batch_id, row.reason)
