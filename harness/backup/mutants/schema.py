"""Damage to what stands around the rows: indexes, constraints, triggers, grants, roles, an enum's order."""

from __future__ import annotations

from random import Random

from harness.backup.mutants.mutant import Database, DoesNotFit, Mutant, OnContent, SqlRefused
from harness.backup.mutants.parts import FORMATS

_SCHEMAS = (
    "nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg\\_toast%' AND nspname NOT LIKE "
    "'pg\\_temp%'"
)
_OURS = (
    f"c.relnamespace IN (SELECT oid FROM pg_namespace WHERE {_SCHEMAS}) AND NOT EXISTS (SELECT FROM pg_depend e "
    "WHERE e.objid = c.oid AND e.deptype = 'e')"
)


class Change:
    """One statement of DDL on a thing that a query finds.

    Each row of `query` is the statement and, after a `|`, the sentence that says what was done; the first of a drawn
    order that the server takes is the one.
    """

    def __init__(self, query: str, missing: str) -> None:
        self._query, self._missing = query, missing

    def __call__(self, database: Database, random: Random) -> str:
        rows = sorted(database.sql(self._query).splitlines())
        random.shuffle(rows)
        for row in rows:
            statement, _, sentence = row.rpartition("|")
            try:
                database.sql(statement)
            except SqlRefused:
                continue
            return sentence
        raise DoesNotFit(f"the database has no {self._missing}")


def empty(database: Database, random: Random) -> str:
    """As a dump of a database just made: no schema of a user, no large object, no extension."""
    found = database.sql(f"SELECT quote_ident(nspname) FROM pg_namespace WHERE {_SCHEMAS}").splitlines()
    database.sql(
        "".join(f"DROP SCHEMA {one} CASCADE;" for one in found)
        + "CREATE SCHEMA public; SELECT lo_unlink(oid) FROM pg_largeobject_metadata"
    )
    return "the database is empty"


def turn_enum(database: Database, random: Random) -> str:
    """Two labels change places, and each row keeps its own."""
    found = database.sql(
        "SELECT enumtypid::regtype, enumtypid::int FROM pg_enum GROUP BY enumtypid HAVING count(*) > 1 ORDER BY 1"
    ).splitlines()
    if not found:
        raise DoesNotFit("the database has no enum of two labels")
    name, oid = random.choice(found).rsplit("|", 1)
    database.sql(
        "SET allow_system_table_mods = on; SET enable_indexscan = off; "
        f"UPDATE pg_enum SET enumsortorder = -enumsortorder WHERE enumtypid = {oid}"
    )
    return f"the labels of {name} are in the opposite order"


_INDEXES = f"""SELECT format('DROP INDEX %s', c.oid::regclass), format('index %s is gone', c.oid::regclass)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE {_OURS} AND c.relkind = 'i' AND NOT c.relispartition
AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid)"""


def _constraints(kinds: str) -> str:
    return f"""SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', c.oid::regclass, k.conname),
format('constraint %s of %s is gone', k.conname, c.oid::regclass) FROM pg_constraint k JOIN pg_class c
ON c.oid = k.conrelid WHERE {_OURS} AND k.contype IN ({kinds}) AND c.relname <> 'harness_heartbeat'"""


def _triggers(verb: str, said: str) -> str:
    return f"""SELECT format('{verb}', t.tgname, c.oid::regclass), format('trigger %s of %s {said}', t.tgname,
c.oid::regclass) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE {_OURS} AND NOT t.tgisinternal
AND t.tgparentid = 0"""


def _relations(kinds: str, verb: str, said: str, more: str = "true") -> str:
    return f"""SELECT format('{verb}', c.oid::regclass), format('%s {said}', c.oid::regclass) FROM pg_class c
WHERE {_OURS} AND c.relkind IN ({kinds}) AND c.relname <> 'harness_heartbeat' AND ({more})"""


def _columns(verb: str, said: str, where: str) -> str:
    return f"""SELECT format('{verb}', c.oid::regclass, a.attname), format('%s.%s {said}', c.oid::regclass, a.attname)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE {_OURS} AND c.relkind IN ('r', 'p') AND a.attnum > 0
AND NOT a.attisdropped AND NOT c.relispartition AND c.relname <> 'harness_heartbeat' AND {where}"""


_GRANTS = f"""SELECT format('REVOKE %s ON TABLE %s FROM %s', x.privilege_type, c.oid::regclass,
coalesce(quote_ident(r.rolname), 'PUBLIC')), format('%s on %s is no longer granted', x.privilege_type, c.oid::regclass)
FROM pg_class c CROSS JOIN aclexplode(c.relacl) x LEFT JOIN pg_roles r ON r.oid = x.grantee
WHERE {_OURS} AND c.relkind IN ('r', 'v', 'm', 'p') AND x.grantee <> c.relowner"""

_FUNCTIONS = f"""SELECT format('ALTER FUNCTION %s COST 1234', p.oid::regprocedure),
format('function %s is another', p.oid::regprocedure) FROM pg_proc p WHERE p.prokind = 'f' AND p.pronamespace IN
(SELECT oid FROM pg_namespace WHERE {_SCHEMAS}) AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = p.oid
AND e.deptype = 'e')"""

_BODIES = f"""SELECT format('UPDATE pg_proc SET prosrc = prosrc || chr(10) || ''-- changed'' WHERE oid = %s', p.oid),
format('the body of %s is another', p.oid::regprocedure) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL AND p.pronamespace IN (SELECT oid FROM pg_namespace
WHERE {_SCHEMAS}) AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = p.oid AND e.deptype = 'e')"""

_COMMENTS = f"""SELECT format('COMMENT ON TABLE %s IS NULL', c.oid::regclass), format('the comment on %s is gone',
c.oid::regclass) FROM pg_description d JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass
WHERE {_OURS} AND d.objsubid = 0 AND c.relkind = 'r'"""

_POLICIES = f"""SELECT format('DROP POLICY %I ON %s', p.polname, c.oid::regclass), format('policy %s of %s is gone',
p.polname, c.oid::regclass) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE {_OURS}"""

_PARTITIONS = f"""SELECT format('ALTER TABLE %s DETACH PARTITION %s', h.inhparent::regclass, c.oid::regclass),
format('%s is no longer a partition', c.oid::regclass) FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
WHERE {_OURS} AND c.relispartition AND c.relkind = 'r'"""

_MEMBERS = """SELECT format('REVOKE %I FROM %I', r.rolname, m.rolname), format('%s is no longer a member of %s',
m.rolname, r.rolname) FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
WHERE m.rolname NOT LIKE 'pg\\_%'"""

_ROLES = """SELECT format('ALTER ROLE %I NOLOGIN', rolname), format('role %s may no longer log in', rolname)
FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND rolname NOT LIKE 'pg\\_%'"""

_SETTINGS = """SELECT format('ALTER DATABASE %I RESET ALL', current_database()), 'the settings of the database are gone'
FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database()
AND s.setrole = 0"""

_EXTENSIONS = """SELECT format('DROP EXTENSION %I', extname), format('extension %s is gone', extname) FROM pg_extension
WHERE extname <> 'plpgsql'"""

_OWNERS = f"""SELECT format('ALTER TABLE %s OWNER TO CURRENT_USER', c.oid::regclass), format('%s has another owner',
c.oid::regclass) FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner WHERE {_OURS} AND c.relkind = 'r'
AND o.rolname <> current_user"""

_STATISTICS = f"""SELECT format('DROP STATISTICS %I.%I', s.stxnamespace::regnamespace, s.stxname),
format('statistics %s are gone', s.stxname)
FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid WHERE {_OURS}"""

_LARGE = """SELECT format('REVOKE ALL ON LARGE OBJECT %s FROM %I', o.oid, r.rolname), format('%s may not read large '
'object %s', r.rolname, o.oid) FROM pg_largeobject_metadata o, aclexplode(o.lomacl) a JOIN pg_roles r
ON r.oid = a.grantee WHERE a.grantee <> o.lomowner"""

_STORED = f"""SELECT format('ALTER TABLE %s ALTER %I SET STORAGE EXTENDED', c.oid::regclass, a.attname),
format('%s.%s is stored otherwise', c.oid::regclass, a.attname) FROM pg_attribute a JOIN pg_class c
ON c.oid = a.attrelid WHERE {_OURS} AND c.relkind = 'r' AND a.attstorage = 'e' AND NOT a.attisdropped"""

_SERVERS = """SELECT format('DROP SERVER %I CASCADE', srvname), format('server %s is gone', srvname)
FROM pg_foreign_server"""


def _of(name: str, sentence: str, query: str, missing: str) -> Mutant:
    return _act(name, sentence, Change(query, missing))


def _act(name: str, sentence: str, act: OnContent) -> Mutant:
    return Mutant(name, sentence, FORMATS, on_content=act, at_birth=True)


_LEAF = "NOT c.relispartition"
_POPULATED = "c.relispopulated"
_VIEW_OF = "DROP VIEW %s"
_TYPES = "a.atttypid = 'integer'::regtype AND a.attidentity = '' AND a.attgenerated = ''"
_NULLABLE = "a.attnotnull AND a.attidentity = ''"

MUTANTS = (
    _act("empty", "The database is empty.", empty),
    _of("table-left-out", "One table is not there.", _relations("'r'", "DROP TABLE %s", "is gone", _LEAF), "table"),
    _of("index-missing", "An index is gone.", _INDEXES, "index"),
    _of("foreign-key-missing", "A foreign key is gone.", _constraints("'f'"), "foreign key"),
    _of("check-missing", "A check constraint is gone.", _constraints("'c'"), "check constraint"),
    _of("unique-missing", "A unique constraint is gone.", _constraints("'u'"), "unique constraint"),
    _of(
        "not-null-lost",
        "A column may be null.",
        _columns("ALTER TABLE %s ALTER %I DROP NOT NULL", "may be null", _NULLABLE),
        "column that is NOT NULL",
    ),
    _of(
        "default-lost",
        "A column has lost its default.",
        _columns("ALTER TABLE %s ALTER %I DROP DEFAULT", "has no default", "a.atthasdef AND a.attgenerated = ''"),
        "column with a default",
    ),
    _of(
        "column-type-changed",
        "A column has another type.",
        _columns("ALTER TABLE %s ALTER %I TYPE bigint", "is bigint", _TYPES),
        "column of type integer",
    ),
    _of("trigger-missing", "A trigger is gone.", _triggers("DROP TRIGGER %I ON %s", "is gone"), "trigger"),
    _of(
        "trigger-disabled",
        "A trigger is switched off.",
        _triggers("ALTER TABLE %2$s DISABLE TRIGGER %1$I", "is off"),
        "trigger",
    ),
    _of("function-attribute-changed", "A function has another attribute.", _FUNCTIONS, "function"),
    _of("function-body-changed", "A function has another body.", _BODIES, "function"),
    _of("view-missing", "A view is gone.", _relations("'v'", _VIEW_OF, "is gone"), "view"),
    _of(
        "matview-not-populated",
        "A materialized view holds nothing.",
        _relations("'m'", "REFRESH MATERIALIZED VIEW %s WITH NO DATA", "is not populated", _POPULATED),
        "populated materialized view",
    ),
    _of("grant-missing", "A privilege is no longer granted.", _GRANTS, "granted privilege"),
    _of("owner-changed", "A table has another owner.", _OWNERS, "table of another owner"),
    _of("policy-missing", "A policy of row security is gone.", _POLICIES, "policy"),
    _of(
        "row-security-off",
        "Row security of a table is switched off.",
        _relations("'r'", "ALTER TABLE %s DISABLE ROW LEVEL SECURITY", "shows all rows to all", "c.relrowsecurity"),
        "row security",
    ),
    _act("enum-order", "An enum has its labels in another order.", turn_enum),
    _of("comment-lost", "The comment on a table is gone.", _COMMENTS, "comment on a table"),
    _of("partition-detached", "A partition is a table of its own.", _PARTITIONS, "partition"),
    _of("large-object-grant-lost", "A large object may be read by fewer.", _LARGE, "large object with a grant"),
    _of("column-storage-changed", "A column is stored otherwise.", _STORED, "column of another storage"),
    _of("foreign-server-missing", "A foreign server is gone, with all of it.", _SERVERS, "foreign server"),
    _of("statistics-missing", "An object of extended statistics is gone.", _STATISTICS, "extended statistics"),
    _of("extension-missing", "An extension is gone.", _EXTENSIONS, "extension"),
    _of("membership-lost", "A role is no longer a member of another.", _MEMBERS, "member of a role"),
    _of("login-lost", "A role may no longer log in.", _ROLES, "role that may log in"),
    _of("database-settings-lost", "The settings of the database are gone.", _SETTINGS, "setting of the database"),
)
