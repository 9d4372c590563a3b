"""Damage to rows that every count agrees with, or nearly: swapped values, a changed amount, a loss beside a duplicate.

Each finds its victim in the catalogue, so that it works on anybody's database. Triggers are off meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from harness.backup.mutants.mutant import Database, DoesNotFit, Mutant, OnContent, SqlRefused
from harness.backup.mutants.parts import FORMATS

QUIET = "SET session_replication_role = replica; SET row_security = off;"
HEARTBEAT = "public.harness_heartbeat"
OLD_DAYS = 3

_USERS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'"
_FREE = """a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY (i.indkey))
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'f'
                  AND a.attnum = ANY (k.conkey))"""


def tables(database: Database, where: str = "true") -> list[str]:
    """Ordinary tables of users that hold rows, by name, quoted; the heartbeat is left out. `where` is about `c`."""
    found = database.sql(
        f"SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' "
        f"AND c.relpersistence = 'p' AND {_USERS} AND c.relname <> 'harness_heartbeat' AND ({where}) "
        "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') "
        "ORDER BY c.oid::regclass::text"
    ).splitlines()
    return [one for one in found if database.sql(f"SELECT EXISTS (SELECT FROM ONLY {one})") == "t"]


def _columns(database: Database, random: Random, types: str) -> Iterator[tuple[str, str]]:
    """(table, column) in a drawn order: columns of no key, whose type's category is one of `types`."""
    pairs: list[tuple[str, str]] = []
    for table in tables(database):
        found = database.sql(
            f"SELECT quote_ident(a.attname) FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
            f"WHERE a.attrelid = '{table}'::regclass AND {_FREE} AND t.typcategory IN ({types}) ORDER BY a.attnum"
        )
        pairs += [(table, column) for column in found.splitlines()]
    random.shuffle(pairs)
    yield from pairs


def _drawn(database: Database, table: str, random: Random) -> str:
    """The place of one row of a table."""
    count = int(database.sql(f"SELECT count(*) FROM ONLY {table}"))
    return database.sql(f"SELECT ctid FROM ONLY {table} ORDER BY ctid OFFSET {random.randrange(count)} LIMIT 1")


def swap_values(database: Database, random: Random) -> str:
    for table, column in _columns(database, random, "'N', 'S', 'D', 'B', 'E', 'U'"):
        one = _drawn(database, table, random)
        other = database.sql(
            f"SELECT ctid FROM ONLY {table} WHERE {column}::text IS DISTINCT FROM (SELECT {column}::text FROM ONLY "
            f"{table} WHERE ctid = '{one}') ORDER BY ctid LIMIT 1"
        )
        if other:
            try:
                changed = database.sql(
                    f"{QUIET} WITH was AS (SELECT ctid AS place, {column} AS worth FROM ONLY {table} WHERE ctid IN "
                    f"('{one}', '{other}')) UPDATE ONLY {table} t SET {column} = was.worth FROM was "
                    f"WHERE t.ctid IN ('{one}', '{other}') AND t.ctid <> was.place RETURNING 1"
                )
            except SqlRefused:
                continue
            if len(changed.splitlines()) == 2:
                return f"{table}.{column}: the values of two rows are swapped"
    raise DoesNotFit("no table has two rows with values that could be swapped")


def numbers(database: Database, random: Random, tries: int) -> Iterator[tuple[str, str, str]]:
    """(table, column, place of a row) of numbers that are in no key, drawn again and again."""
    for _ in range(tries):
        for table, column in _columns(database, random, "'N'"):
            yield table, column, _drawn(database, table, random)


def change_amount(database: Database, random: Random) -> str:
    for table, column, row in numbers(database, random, 1):
        try:
            changed = database.sql(
                f"{QUIET} UPDATE ONLY {table} SET {column} = {column} + 1 WHERE ctid = '{row}' "
                f"AND {column} IS NOT NULL RETURNING {column}"
            )
        except SqlRefused:
            continue
        if changed:
            return f"{table}.{column}: one value is 1 more"
    raise DoesNotFit("no table has a number that could be changed")


def duplicate_and_lose(database: Database, random: Random) -> str:
    bare = "NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique)"
    found = tables(database, bare)
    random.shuffle(found)
    for table in found:
        kept = _drawn(database, table, random)
        lost = database.sql(
            f"SELECT ctid FROM ONLY {table} t WHERE (t.*)::text <> (SELECT (o.*)::text FROM ONLY {table} o "
            f"WHERE ctid = '{kept}') ORDER BY ctid LIMIT 1"
        )
        if lost:
            columns = database.sql(
                f"SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = "
                f"'{table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
            )
            database.sql(
                f"{QUIET} INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM ONLY {table} "
                f"WHERE ctid = '{kept}'; DELETE FROM ONLY {table} WHERE ctid = '{lost}'"
            )
            return f"{table}: one row is there twice, and another is gone"
    raise DoesNotFit("no table without a unique key holds two different rows")


def mix_snapshots(database: Database, random: Random) -> str:
    """The table that points to others was read earlier than those: its newest rows are not there yet."""
    found = tables(database, "EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f')")
    if not found:
        raise DoesNotFit("no table points to another")
    table = random.choice(found)
    gone = database.sql(
        f"{QUIET} DELETE FROM ONLY {table} WHERE ctid IN (SELECT ctid FROM ONLY {table} ORDER BY ctid DESC LIMIT 3) "
        "RETURNING 1"
    )
    return f"{table} lacks its newest {len(gone.splitlines())} rows; the tables that it points to have theirs"


def lose_row(database: Database, random: Random) -> str:
    found = tables(database)
    if not found:
        raise DoesNotFit("no table holds a row")
    table = random.choice(found)
    database.sql(f"{QUIET} DELETE FROM ONLY {table} WHERE ctid = '{_drawn(database, table, random)}'")
    return f"{table} lacks one row"


def hide_rows(database: Database, random: Random) -> str:
    """What a role that row security applies to would have dumped."""
    policies = database.sql(
        "SELECT p.polrelid::regclass, pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p WHERE p.polqual IS NOT NULL "
        "ORDER BY 1, 2"
    ).splitlines()
    for line in policies:
        table, _, condition = line.partition("|")
        gone = database.sql(f"{QUIET} DELETE FROM ONLY {table} WHERE NOT coalesce(({condition}), false) RETURNING 1")
        if gone:
            return f"{table} lacks the {len(gone.splitlines())} rows that its policy hides"
    raise DoesNotFit("no policy of row security hides a row")


def leave_data_out(database: Database, random: Random) -> str:
    unpointed = "NOT EXISTS (SELECT FROM pg_constraint k WHERE k.confrelid = c.oid AND k.contype = 'f')"
    found = tables(database, unpointed)
    if not found:
        raise DoesNotFit("every table is pointed to by another")
    table = random.choice(found)
    database.sql(f"TRUNCATE ONLY {table}")
    return f"{table} has no rows"


def leave_all_data_out(database: Database, random: Random) -> str:
    found = [*tables(database), *([HEARTBEAT] if _has_heartbeat(database) else [])]
    if not found:
        raise DoesNotFit("no table holds a row")
    database.sql(f"{QUIET} TRUNCATE {', '.join(found)} RESTART IDENTITY CASCADE")
    return f"{len(found)} tables have no rows"


def _has_heartbeat(database: Database) -> bool:
    return database.sql(f"SELECT to_regclass('{HEARTBEAT}') IS NOT NULL") == "t"


def age(database: Database, random: Random) -> str:
    if not _has_heartbeat(database):
        raise DoesNotFit("the database has no heartbeat (harness_heartbeat)")
    database.sql(f"UPDATE {HEARTBEAT} SET at = at - interval '{OLD_DAYS} days', nonce = md5(nonce)")
    return f"the data is of {OLD_DAYS} days before, and the files are of today"


def set_sequence_back(database: Database, random: Random) -> str:
    found = database.sql(
        "SELECT format('%I.%I', schemaname, sequencename), start_value, last_value FROM pg_sequences "
        "WHERE last_value > start_value AND increment_by > 0 ORDER BY 1"
    ).splitlines()
    if not found:
        raise DoesNotFit("no sequence has given a number")
    name, first, last = random.choice(found).rsplit("|", 2)
    back = random.randrange(int(first), int(last))
    database.sql(f"SELECT setval('{name}', {back})")
    return f"{name} is set back from {last} to {back}"


def break_large_object(database: Database, random: Random) -> str:
    found = database.sql("SELECT oid FROM pg_largeobject_metadata ORDER BY oid").splitlines()
    for oid in random.sample(found, len(found)):
        length = int(database.sql(f"SELECT length(lo_get({oid}))"))
        if length:
            at = random.randrange(length)
            database.sql(
                f"SELECT lo_put({oid}, {at}, set_byte(b, 0, get_byte(b, 0) # 1)) FROM lo_get({oid}, {at}, 1) b"
            )
            return f"one byte of a large object of {length} bytes is another"
    raise DoesNotFit("the database has no large object")


def lose_large_objects(database: Database, random: Random) -> str:
    gone = database.sql("SELECT lo_unlink(oid) FROM pg_largeobject_metadata").splitlines()
    if not gone:
        raise DoesNotFit("the database has no large object")
    return f"{len(gone)} large objects are gone"


def nothing(database: Database, random: Random) -> str:
    """Restored and made again: what a mutant of the content does beside its damage."""
    return "nothing was changed"


def _of(name: str, sentence: str, act: OnContent, *, facts_agree: bool = False) -> Mutant:
    return Mutant(name, sentence, FORMATS, on_content=act, at_birth=True, facts_agree=facts_agree)


NOOP = _of("noop", "Restored and made again: nothing is wrong with it.", nothing)

MUTANTS = (
    _of("values-swapped", "Two rows of one table have each other's value.", swap_values),
    _of("amount-changed", "One number in one row is 1 more.", change_amount),
    _of("duplicate-and-loss", "One row is there twice and another is gone: the count agrees.", duplicate_and_lose),
    _of("row-lost", "One row of one table is gone.", lose_row),
    _of("mixed-snapshots", "Two tables are of two different moments.", mix_snapshots),
    _of("hidden-rows-lost", "The rows that row security hid from who dumped are gone.", hide_rows),
    _of("table-data-left-out", "One table is there without its rows.", leave_data_out),
    _of("schema-only", "All tables are there without their rows.", leave_all_data_out),
    _of("stale", "The data is three days older than its manifest says.", age),
    _of("old-backup-new-files", "A sound backup of three days ago, in files of today.", age, facts_agree=True),
    _of("sequence-set-back", "A sequence will give numbers again that were given.", set_sequence_back),
    _of("large-object-changed", "One byte of a large object is another.", break_large_object),
    _of("large-objects-left-out", "The large objects are gone.", lose_large_objects),
)
