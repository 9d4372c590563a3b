"""How late arrivals may start before the run says that its generator was limited."""

from __future__ import annotations

import pytest

from harness.checks.trust import generator_honest
from harness.record import Word
from tests.builders import history, ok


@pytest.mark.parametrize(
    ("late", "late_ms", "word"),
    [(4, 30, Word.PASS), (4, 150, Word.UNKNOWN), (6, 30, Word.UNKNOWN), (160, 15, Word.PASS), (160, 30, Word.UNKNOWN)],
    ids=["one hiccup", "a long one", "more than one", "always a little", "always"],
)
def test_one_hiccup_in_a_short_phase_is_borne(late, late_ms, word):
    """Of 160 arrivals two are a p99: a few may be late, as long as it is not by much."""
    samples = [ok(i / 40, took_ms=late_ms + 9, late_ms=late_ms if i < late else 0.5) for i in range(160)]
    assert generator_honest(history(samples, end_s=4)).word is word
