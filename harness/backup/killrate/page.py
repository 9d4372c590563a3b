"""The page that says what the verifier catches and what it does not: the same results give the same bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.backup.killrate.result import EQUIVALENT, FAILED, NO_FIT, SURVIVED, Result
from harness.backup.killrate.trials import Trial
from harness.record import Word

NAME = "backup-kill-rate.md"
WHAT_IT_IS = (
    "A mutant is a copy of a good backup with one kind of damage. *At birth* means that the sums of the files "
    "were made after the damage, so that they agree with it; all damage to content is of that kind, and the "
    "rest of the manifest tells of the good data. A detector counts only where it is silent on the good "
    "backup. A mutant that restores to the very text of that is named below and not counted. `harness backup "
    "mutate BACKUP --kind KIND --to DIR` makes any of these.",
    "Each is verified with its manifest, and with a bound of its age. Without a manifest, *row counts*, "
    "*content hash*, *schema*, *roles and grants*, *large objects* and *files* have nothing to compare with. "
    "Every mutant of content is made on each dump and on `base-archive`; the other base backups, which are "
    "restored in the same way, take turns with a quarter of them each (`harness backup kill-rate --thorough` "
    "makes all of all).",
)


@dataclass(frozen=True, slots=True)
class Tried:
    """Trials with what came of them."""

    rows: Sequence[tuple[Trial, Result]]

    @property
    def good(self) -> list[tuple[Trial, Result]]:
        return [(trial, result) for trial, result in self.rows if trial.is_good and result.fits]

    @property
    def false_alarms(self) -> list[tuple[Trial, Result]]:
        """A good backup that was not passed: an unknown wakes somebody too."""
        return [(trial, result) for trial, result in self.good if result.word != Word.PASS]

    def mutants(self, *ends: str) -> list[tuple[Trial, Result]]:
        return [(trial, result) for trial, result in self._judged if not ends or result.end in ends]

    @property
    def _judged(self) -> list[tuple[Trial, Result]]:
        """The mutants. What a detector says of one counts only where it is silent on the good backup that it is of."""
        loud: dict[str, set[str]] = {}
        for trial, result in self.good:
            loud.setdefault(trial.good.name, set()).update(result.detectors)
        return [
            (trial, result.without(loud.get(trial.good.name, set())))
            for trial, result in self.rows
            if not trial.is_good
        ]

    @property
    def counted(self) -> list[tuple[Trial, Result]]:
        """Mutants that differ from the good backup."""
        return self.mutants(FAILED, SURVIVED)

    @property
    def exit_code(self) -> int:
        """0 when every mutant was caught and no good backup was suspected."""
        return int(bool(not self.counted or self.mutants(SURVIVED) or self.false_alarms))

    @property
    def headline(self) -> str:
        caught, counted = len(self.mutants(FAILED)), len(self.counted)
        share = "none" if not counted else "100 %" if caught == counted else f"{1000 * caught // counted / 10} %"
        alarms = f"{len(self.false_alarms) or 'no'} false alarm{'s' * (len(self.false_alarms) > 1)}"
        return f"{caught} of {counted} mutants caught ({share}); {alarms} on {len(self.good)} good backups"


def page(tried: Tried) -> str:
    """The page in Markdown."""
    return (
        "\n\n".join(
            (
                "# Kill rate of `harness backup verify`",
                "*Written by `make kill-rate`; it is not to be edited.*",
                f"**{tried.headline}** ({_versions(tried)}).",
                *WHAT_IT_IS,
                "## Survivors\n\n" + (_list(tried.mutants(SURVIVED)) or "None."),
                "## False alarms\n\n" + (_list(tried.false_alarms) or "None."),
                "## Mutants\n\n" + _mutants(tried),
                "## Detectors\n\n" + _detectors(tried),
                "## Good backups\n\n" + _goods(tried),
                "## Not counted\n\n" + _left_out(tried),
            )
        )
        + "\n"
    )


def _versions(tried: Tried) -> str:
    majors = sorted({trial.good.major for trial, _ in tried.rows})
    return "PostgreSQL " + ", ".join(str(one) for one in majors)


def _list(rows: Iterable[tuple[Trial, Result]]) -> str:
    return "\n".join(
        f"- `{trial.mutant.name if trial.mutant else 'good'}` on {trial.good.name}: "
        + (result.damage if trial.mutant and not trial.is_good else ", ".join((*result.detectors, *result.unsure)))
        + f" ({result.word})"
        for trial, result in rows
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(head), "|".join("---" for _ in head), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" if "---" not in line else f"|{line}|" for line in lines)


def _counts(found: Mapping[str, int]) -> str:
    ordered = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{name} {count}" for name, count in ordered) or "–"


def _mutants(tried: Tried) -> str:
    by_name: dict[str, list[Result]] = {}
    says: dict[str, str] = {}
    for trial, result in tried.counted:
        assert trial.mutant is not None
        by_name.setdefault(trial.mutant.name, []).append(result)
        says[trial.mutant.name] = trial.mutant.sentence
    rows = []
    for name, results in by_name.items():
        caught = sum(one.end == FAILED for one in results)
        word = f"{caught}/{len(results)}" if caught == len(results) else f"**{caught}/{len(results)}**"
        by = Counter(detector for one in results for detector in one.detectors)
        rows.append((f"`{name}`", says[name], word, _counts(by)))
    return "Caught of tried, and the detectors that caught it, with on how many.\n\n" + _table(
        ("mutant", "the backup then", "caught", "by"), rows
    )


def _detectors(tried: Tried) -> str:
    caught: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    kinds: dict[str, set[str]] = {}
    for trial, result in tried.mutants(FAILED):
        caught.update(result.detectors)
        for detector in result.detectors:
            kinds.setdefault(detector, set()).add(trial.mutant.name if trial.mutant else "")
        if len(result.detectors) == 1:
            alone.update(result.detectors)
    total = len(tried.counted) or 1
    rows = [
        (name, str(count), f"{100 * count / total:.0f} %", str(len(kinds[name])), str(alone[name] or "–"))
        for name, count in sorted(caught.items(), key=lambda one: (-one[1], one[0]))
    ]
    return "Without the detector, those that it *alone* caught would have survived.\n\n" + _table(
        ("detector", "mutants", "share", "kinds", "alone"), rows
    )


def _goods(tried: Tried) -> str:
    rows = [
        (
            trial.good.name + (", made again" if trial.mutant else ""),
            trial.good.sentence,
            str(trial.good.major),
            "no alarm" if result.word == Word.PASS else f"**{result.word}**",
        )
        for trial, result in tried.good
    ]
    return _table(("backup", "is", "PostgreSQL", "said"), rows)


def _left_out(tried: Tried) -> str:
    return (
        "\n".join(
            f"- `{name}` {why}: {', '.join(sorted(on))}"
            for end, why in ((EQUIVALENT, "changes nothing on"), (NO_FIT, "finds nothing to damage on"))
            for name, on in _by_kind(tried.mutants(end)).items()
        )
        or "None."
    )


def _by_kind(rows: Iterable[tuple[Trial, Result]]) -> dict[str, list[str]]:
    """Kind of damage to the good backups, each as often as it was tried."""
    found: dict[str, list[str]] = {}
    for trial, _ in rows:
        found.setdefault(trial.mutant.name if trial.mutant else "", []).append(trial.good.name)
    return found


def summary(tried: Tried) -> list[str]:
    """For a terminal: what was caught by kind, then what was not, then the headline."""
    by_name: dict[str, list[Result]] = {}
    for trial, result in tried.counted:
        by_name.setdefault(trial.mutant.name if trial.mutant else "", []).append(result)
    lines = []
    for name, results in by_name.items():
        caught = sum(one.end == FAILED for one in results)
        by = Counter(detector for one in results for detector in one.detectors)
        lines.append(f"{name:32} {caught:3}/{len(results):<3}  {_counts(by)}")
    lines += [line.replace("- `", "survived: `") for line in _list(tried.mutants(SURVIVED)).splitlines()]
    lines += [line.replace("- `", "false alarm: `") for line in _list(tried.false_alarms).splitlines()]
    return [*lines, tried.headline]
