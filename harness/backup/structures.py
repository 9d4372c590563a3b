"""Looks at what lies below the rows of a restored cluster: indexes, pages, checksums. A dump has none of it: it is
made anew."""

from __future__ import annotations

from harness.backup import programs
from harness.backup.facts import NOT_SYSTEM
from harness.backup.indexes import count_rows, look_up
from harness.backup.pages import zero_pages
from harness.backup.report import Judgement
from harness.backup.running import LACKS, Deadline, NotJudged, run
from harness.backup.scratch import Scratch
from harness.backup.session import QueryError, Session
from harness.record import Word

_COLLATION = (
    "SELECT datcollversion IS DISTINCT FROM pg_catalog.pg_database_collation_actual_version(oid) "
    "FROM pg_catalog.pg_database WHERE datname = current_database()"
)
_OTHER_INDEXES = (
    "SELECT pg_catalog.format('%I.%I (%s)', n.nspname, c.relname, a.amname) FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_am a ON a.oid = c.relam AND a.amname <> 'btree' "
    f"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'i' AND {NOT_SYSTEM} ORDER BY 1"
)


class Structures:
    """One restored cluster, its server running."""

    def __init__(self, scratch: Scratch, deadline: Deadline, not_judged: dict[str, str]) -> None:
        self._scratch, self._deadline, self.not_judged = scratch, deadline, not_judged
        self.found: list[Judgement] = []

    def _say(self, detector: str, wrong: list[str], well: str) -> None:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        word = Word.FAIL if wrong else Word.PASS
        self.found.append(Judgement(detector, word, wrong[0] + more if wrong else well, {"wrong": len(wrong)}))

    def look(self, databases: list[str]) -> None:
        """Pages and indexes of each database."""
        for database in databases:
            untold: list[str] = []
            with self._scratch.session(database, self._deadline) as session:
                try:
                    pages = zero_pages(session, self._scratch.data, untold, self._deadline.left_s)
                    sorted_otherwise = session.value(_COLLATION) == "t"
                except QueryError as error:
                    self._say("pages", [f"{database} cannot be looked at: {error}"], "")
                    continue
                if untold:
                    self.not_judged[f"zero pages of {database}"] = (
                        f"{', '.join(untold[:5])}: pages of zeros that no map and no index tells of"
                    )
                self._say("zero pages", pages, f"no page of {database} is lost to zeros")
                if sorted_otherwise:
                    self.not_judged["indexes"] = f"{database} was sorted by another version of its locale than is here"
                    continue
                self._indexes(session, database)

    def _say_other_indexes(self, session: Session, database: str) -> None:
        """What neither pg_amcheck nor a look-up looks into."""
        if found := [str(row[0]) for row in session.query(_OTHER_INDEXES)]:
            self.not_judged[f"contents of indexes of {database}"] = (
                f"no B-tree, so that nothing looks into it: {', '.join(found[:5])}"
            )

    def _indexes(self, session: Session, database: str) -> None:
        self._say_other_indexes(session, database)
        if programs.amcheck(self._scratch.bin):
            self._amcheck(database)
        else:
            found = look_up(session)
            self._say("indexes", found.wrong, f"every row of {database} is found by each of {found.looked} indexes")
            if found.passed_over:
                self.not_judged[f"indexes of {database}"] = f"no plan uses {', '.join(found.passed_over[:5])}"
        self._say("index rows", count_rows(session), f"the indexes of {database} lead to as many rows as there are")

    def _amcheck(self, database: str) -> None:
        more = ("--install-missing", "--heapallindexed", "--parent-check", "--rootdescend")
        done = self._scratch.client("pg_amcheck", self._deadline, *more, "--", database)
        lines = [line.strip() for line in (done.out + done.err).splitlines() if line.strip()]
        if lacks := next((line for line in lines if LACKS.search(line)), ""):
            raise NotJudged(f"the PostgreSQL that is here lacks what {database} needs: {lacks}")
        loud = [line for line in lines if "warning:" not in line.lower() or "ERROR" in line]
        wrong = [f"{database}: {' '.join(loud[:2])[:300]}"] if done.code != 0 else []
        self._say("pg_amcheck", wrong, f"tables and indexes of {database} agree")

    def checksums(self, has_checksums: bool) -> None:
        """After a clean stop. Without checksums nobody can tell."""
        if not self._scratch.stop():
            self._say("stops", ["the restored server does not stop cleanly"], "")
            return
        if not has_checksums:
            self.not_judged["pg_checksums"] = "the cluster has no data checksums"
            return
        done = run([self._scratch.bin / "pg_checksums", "-c", "-D", self._scratch.data], self._deadline)
        lines = [line for line in done.err.splitlines() if "error:" in line or "checksum verification failed" in line]
        wrong = [(lines or [done.first_error])[0].removeprefix("pg_checksums: error: ")] if done.code != 0 else []
        self._say("pg_checksums", wrong, "every page has its checksum")
