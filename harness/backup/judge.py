"""Judges restored data: against the manifest where there is one, and against itself where not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from harness.backup import facts
from harness.backup.manifest import Manifest
from harness.backup.report import Judgement
from harness.backup.running import LACKS, NotJudged
from harness.backup.schema import differences, schema_facts, schema_hash
from harness.backup.schema_more import LATER, SECRETS
from harness.backup.schema_queries import RIGHTS, SERVER_WIDE, WITH_DATABASE
from harness.backup.session import QueryError, Session
from harness.durations import in_words
from harness.record import Word

NO_MANIFEST = "there is no manifest that says what there was"


class Judge:
    """Looks at one restored database. Judgements go to `found`, what cannot be told to `not_judged`."""

    def __init__(
        self, session: Session, manifest: Manifest | None, not_judged: dict[str, str], *, physical: bool = False
    ) -> None:
        self._session, self._manifest, self._physical = session, manifest, physical
        self.not_judged = not_judged
        self.found: list[Judgement] = []
        self._unread: set[str] = set()

    def say(self, detector: str, wrong: list[str], well: str, **evidence: int | float | str) -> None:
        """A judgement: fail with the first of what is wrong, else pass."""
        if wrong:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            self.found.append(Judgement(detector, Word.FAIL, wrong[0] + more, {**evidence, "wrong": len(wrong)}))
        else:
            self.found.append(Judgement(detector, Word.PASS, well, evidence))

    def guarded(self, detector: str, look: Callable[[], object]) -> None:
        """An error of the restored server at a look is the backup's."""
        try:
            look()
        except QueryError as error:
            _say_lack(error)
            self.found.append(Judgement(detector, Word.FAIL, f"the restored server refuses to read it: {error}"))

    def readable(self) -> dict[str, tuple[int, str]]:
        """That every row of every table can be read; (rows, hash) by name."""
        there = facts.tables(self._session)
        read: dict[str, tuple[int, str]] = {}
        unread: list[str] = []
        for table in there:
            if table.unlogged and self._physical:
                continue  # a base backup holds none of its rows
            try:
                read[str(table)] = facts.count_and_hash(self._session, table)
            except QueryError as error:
                _say_lack(error)
                unread.append(f"{table} cannot be read: {error}")
        rows_all = sum(rows for rows, _ in read.values())
        self.say("readable", unread, f"all {rows_all} rows of {len(there)} tables can be read", rows=rows_all)
        self._unread = {sentence.partition(" cannot")[0] for sentence in unread}
        return read

    def tables(self) -> None:
        """Counts and hashes of every table: without a manifest, that every row can be read, and that there is one."""
        read = self.readable()
        expected = self._manifest.tables if self._manifest is not None else None
        if expected is None:
            self.not_judged["row counts"] = self.not_judged["content hash"] = NO_MANIFEST
            if not any(rows for rows, _ in read.values()) and not self._unread:
                what = "no table of it has a row" if read else "there is no table in it"
                self.found.append(Judgement("content", Word.UNKNOWN, f"{what}, and no manifest says that it had none"))
            return
        counts: list[str] = []
        hashes: list[str] = []
        for name, (rows_then, hash_then) in expected.items():
            if name not in read:
                if name not in self._unread:
                    counts.insert(0, f"{name} is not there; it had {rows_then} rows")
                continue
            rows, hashed = read[name]
            if rows != rows_then:
                counts.append(f"{name} has {rows} rows; when it was backed up it had {rows_then}")
            elif hashed != hash_then:
                hashes.append(f"{name} has as many rows as it had ({rows}), but not the same")
        compared = len(expected)
        self.say("row counts", counts, f"{compared} tables have the rows that they had", tables=compared)
        self.say("content hash", hashes, f"{compared} tables hold what they held", tables=compared)

    def sequences(self) -> None:
        """Never behind the manifest; without one, never behind what its own column holds."""
        expected = self._manifest.sequences if self._manifest is not None else None
        wrong: list[str] = []
        unused: list[str] = []
        there = {one.name: one for one in facts.sequences(self._session)}
        for name, one in there.items():
            sign = 1 if one.step > 0 else -1
            if expected is not None and name in expected:
                if (one.at - expected[name]) * sign < 0:
                    wrong.append(f"{name} stands at {one.at}; when it was backed up it stood at {expected[name]}")
                elif not one.called and one.taken and one.at == expected[name] and one.reached == one.at:
                    wrong.append(f"{name} gives {one.next} next, which {one.owner} has already")
            elif one.reached is not None and (one.reached - one.next) * sign >= 0 and one.taken:
                if one.called:
                    wrong.append(f"{name} gives {one.next} next, and {one.owner} has come to {one.reached}")
                else:
                    unused.append(name)
        if expected is not None:
            wrong = [f"{name} is not there" for name in expected if name not in there] + wrong
        if foreign := [one.name for one in there.values() if one.foreign]:
            self.not_judged["sequences of foreign tables"] = f"their rows are elsewhere: {', '.join(foreign[:5])}"
        if unused:
            self.not_judged["unused sequences"] = f"never used, or set back: {', '.join(unused[:5])}"
        if there or wrong:
            self.say("sequences", wrong, f"{len(there)} sequences are not behind", sequences=len(there))

    def views(self) -> None:
        """What is empty now, and was not: without the facts nobody can tell, since one may be made without data."""
        empty = facts.unpopulated(self._session)
        if self._manifest is None or self._manifest.schema_facts is None:
            if empty:
                self.not_judged["matviews"] = f"never refreshed, then as now or now only: {', '.join(empty[:5])}"
            return
        then = self._manifest.schema_facts.get("materialised views", {})
        wrong = [one for one in empty if not then.get(one, "").startswith("empty")]
        self.say(
            "matviews",
            [f"{one} holds nothing: it was never refreshed" for one in wrong],
            "every materialised view is populated",
        )

    def schema(self) -> None:
        """Every object's definition, with roles and grants apart."""
        then = self._manifest
        if "schema" in self.not_judged:
            return
        if then is None or (then.schema_facts is None and not then.schema_hash):
            self.not_judged["schema"] = NO_MANIFEST if then is None else "not in the manifest"
            return
        now = schema_facts(self._session)
        if then.schema_facts is None:
            wrong = [] if schema_hash(now) == then.schema_hash else ["the schema is not what it was: another hash"]
            self.say("schema", wrong, "the schema is what it was")
            return
        untold = (*(SERVER_WIDE if "roles" in self.not_judged else ()),)
        untold += WITH_DATABASE if "database settings" in self.not_judged else ()
        before, after = (
            {kind: some for kind, some in side.items() if kind not in untold} for side in (then.schema_facts, now)
        )
        found = differences(before, after)
        rights = [f"{kind}: {said}" for kind, said in found if kind in RIGHTS]
        others = [f"{kind}: {said}" for kind, said in found if kind not in RIGHTS]
        if some := [kind for kind in SECRETS if now.get(kind)]:
            self.not_judged["secrets"] = f"of {' and '.join(some)} the connection strings and options are not compared"
        if older := [kind for kind in LATER if kind not in then.schema_facts]:
            self.not_judged["schema, in part"] = f"the manifest does not tell of {', '.join(older[:4])}"
        count = sum(len(some) for some in before.values())
        self.say("schema", others, f"{count} objects are what they were", objects=count)
        self.say("roles and grants", rights, "roles, memberships, owners and grants are what they were")

    def large_objects(self) -> None:
        count, hashed = facts.large_objects(self._session)
        then = self._manifest.large_objects if self._manifest is not None else None
        if then is None:
            if count or self._manifest is None:
                self.not_judged["large objects"] = NO_MANIFEST if self._manifest is None else "not in the manifest"
            return
        wrong = [] if (count, hashed) == then else [f"there are {count} large objects; there were {then[0]}"]
        if wrong and count == then[0]:
            wrong = [f"there are {count} large objects, as there were, but not with the same bytes"]
        self.say("large objects", wrong, f"{count} large objects hold what they held", objects=count)

    def invariants(self, more: tuple[tuple[str, str, str], ...]) -> None:
        given = (*(self._manifest.invariants if self._manifest is not None else ()), *more)
        if not given:
            self.not_judged["invariants"] = "none is stated"
            return
        wrong = []
        for name, sql, expected in given:
            try:
                found = self._session.asked_apart(sql)
            except QueryError as error:
                _say_lack(error)
                found = f"an error: {error}"
            if (found or "").strip() != expected.strip():
                wrong.append(f"{name}: the answer is {found}; it was {expected}")
        self.say("invariants", wrong, f"{len(given)} hold", invariants=len(given))

    def freshness(self, max_age_s: float | None, now: datetime) -> str:
        """By the heartbeat in the data; its time in RFC 3339, "" where there is none."""
        beat = facts.heartbeat(self._session)
        for judgement in judge_beat(beat, self._manifest, max_age_s, now, self.not_judged):
            self.found.append(judgement)
        return beat[0] if beat is not None else ""


def _say_lack(error: QueryError) -> None:
    """Raises NotJudged for what the PostgreSQL that is here was built without."""
    if LACKS.search(str(error)):
        raise NotJudged(f"the PostgreSQL that is here lacks what the data needs: {error}") from error


def judge_beat(
    beat: tuple[str, str] | None,
    manifest: Manifest | None,
    max_age_s: float | None,
    now: datetime,
    not_judged: dict[str, str],
) -> Iterator[Judgement]:
    """What the heartbeat in the restored data says. Pure."""
    then = manifest.heartbeat if manifest is not None else {}
    if beat is None:
        if then:
            yield Judgement("freshness", Word.FAIL, "the heartbeat that the manifest tells of is not in the data")
        elif max_age_s is not None:
            yield Judgement(
                "freshness",
                Word.UNKNOWN,
                "there is no heartbeat in the data, so nobody can tell how old it is; start one: harness backup beat",
            )
        else:
            not_judged["freshness"] = "there is no heartbeat in the data (harness backup beat writes one)"
        return
    at = datetime.fromisoformat(beat[0])
    age_s = (now - at).total_seconds()
    if then and _differs(then, beat):
        yield Judgement(
            "freshness",
            Word.FAIL,
            f"the heartbeat in the data is of {beat[0]}; when it was backed up it was {then.get('at', 'another')}",
        )
    elif max_age_s is None and then:
        yield Judgement("freshness", Word.PASS, f"the data is of {beat[0]}, as it was when it was backed up")
    elif max_age_s is None:
        not_judged["freshness"] = f"no age is asked for; the data is of {beat[0]}"
    elif age_s > max_age_s:
        sentence = f"the data is of {beat[0]}, {in_words(age_s)} ago; allowed: {in_words(max_age_s)}"
        yield Judgement("freshness", Word.FAIL, sentence, {"age_s": round(age_s, 1)})
    elif age_s < -300:
        sentence = f"the heartbeat in the data is of {beat[0]}, which is yet to come: one of two clocks is wrong"
        yield Judgement("freshness", Word.UNKNOWN, sentence, {"age_s": round(age_s, 1)})
    else:
        yield Judgement("freshness", Word.PASS, f"the data is of {beat[0]}", {"age_s": round(age_s, 1)})


def _differs(then: Mapping[str, str], beat: tuple[str, str]) -> bool:
    if then.get("nonce") and then["nonce"] != beat[1]:
        return True
    try:
        at = datetime.fromisoformat(then.get("at", ""))
    except ValueError:
        return False
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return abs((at - datetime.fromisoformat(beat[0])).total_seconds()) > 0.002
