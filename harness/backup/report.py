"""What a verification says: a judgement for each thing that was looked at, and the one word that follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.record import Scalar, Word


@dataclass(frozen=True, slots=True)
class Judgement:
    """One thing that was looked at. `detector` is its name in docs/backup-kill-rate.md; `sentence` says what was found,
    or why it could not be judged."""

    detector: str
    word: Word
    sentence: str
    evidence: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """A verification of one backup. `kind` is logical or physical, "" where it was not recognised; `taken_at` is the
    time of the newest heartbeat in the restored data, in RFC 3339, "" where it has none; `took_s` is by phase:
    recognise, restore, judge. `not_judged` is what nobody could have told from this backup, by detector, and why: it
    makes no backup unknown, and it is said."""

    backup: str
    kind: str
    judgements: tuple[Judgement, ...]
    server_version: str = ""
    taken_at: str = ""
    took_s: Mapping[str, float] = field(default_factory=dict)
    not_judged: Mapping[str, str] = field(default_factory=dict)

    @property
    def word(self) -> Word:
        """Fail beats unknown beats pass. Nothing judged is unknown."""
        words = {one.word for one in self.judgements}
        return next((word for word in (Word.FAIL, Word.UNKNOWN) if word in words), Word.PASS if words else Word.UNKNOWN)

    @property
    def sentence(self) -> str:
        """The first thing that is wrong, else that could not be told, else that all is well."""
        first = next((one for one in self.judgements if one.word is self.word), None)
        if first is None:
            return "nothing was judged"
        if self.word is Word.PASS:
            more = f"; not judged: {', '.join(self.not_judged)}" if self.not_judged else ""
            return f"all {len(self.judgements)} judgements pass{more}"
        return f"{first.detector}: {first.sentence}"

    @property
    def failed(self) -> Sequence[Judgement]:
        return [one for one in self.judgements if one.word is Word.FAIL]

    def to_json(self) -> dict[str, Any]:
        """As `harness backup verify --json` prints it."""
        return {**asdict(self), "word": self.word, "sentence": self.sentence}
