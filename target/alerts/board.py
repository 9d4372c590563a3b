"""Which alerts fire, by what is seen at each look; pure. Each is told when it begins and when it ends, once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from target.alerts.webhook import Alert


@dataclass(slots=True)
class Entry:
    """An alert: since when it is seen, when it was seen last, and since when its receiver knows of it."""

    alert: Alert
    since: datetime
    seen: datetime
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What a receiver is to be told: that an alert fires, or that it has ended."""

    alert: Alert
    started: datetime
    ended: datetime | None = None


class Board:
    """An alert fires that was seen for `for_s` without a break; it ends when it was not seen for `keep_s`."""

    def __init__(self, weakness: frozenset[str], *, for_s: float, keep_s: float) -> None:
        self._weakness = weakness
        self._for, self._keep = timedelta(seconds=for_s), timedelta(seconds=keep_s)
        self._entries: dict[str, Entry] = {}

    def recall(self, alert: Alert, started: datetime, now: datetime) -> None:
        """It fired when we were started again, and its receiver knows."""
        self._entries[alert.fingerprint] = Entry(alert, started, now, started)

    def look(self, alerts: Iterable[Alert], now: datetime) -> list[News]:
        """What is to be told now; what is not told is asked for again at the next look."""
        seen = {one.fingerprint: one for one in alerts}
        news = []
        for fingerprint, alert in seen.items():
            entry = self._entries.setdefault(fingerprint, Entry(alert, now, now))
            entry.alert, entry.seen = alert, now
            if entry.told_at is None:
                if now - entry.since >= self._for:
                    news.append(News(alert, entry.since))
            elif "alert-flaps" in self._weakness:
                news.append(News(alert, entry.since, now))  # planted weakness: taken back at the next look
        for fingerprint, entry in list(self._entries.items()):
            if fingerprint in seen:
                continue
            if entry.told_at is None:
                del self._entries[fingerprint]
            elif now - entry.seen >= self._keep:
                news.append(News(entry.alert, entry.since, now))
        if "alert-never-resolves" in self._weakness:
            news = [one for one in news if one.ended is None]  # planted weakness: no end is ever told
        return news

    def told(self, news: News) -> None:
        """The receiver knows."""
        entry = self._entries[news.alert.fingerprint]
        if news.ended is None:
            self._entries[news.alert.fingerprint] = replace(entry, told_at=news.started)
        else:
            del self._entries[news.alert.fingerprint]
