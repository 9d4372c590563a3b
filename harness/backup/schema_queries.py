"""The queries of schema facts: kind to SQL that gives (name, definition) for each of a user's objects, 15 to 18.

Names and definitions are qualified, since search_path is empty. What extensions own is theirs, and is left out. Owners
and grants are kinds of their own. The scratch server's own superuser is left out of roles.
"""

from __future__ import annotations

from harness.backup.facts import NOT_OF_EXTENSION, NOT_SYSTEM
from harness.backup.schema_more import LATER
from harness.backup.schema_sql import CLASS, NAME, grants

_PROC = (
    f"pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace AND {NOT_SYSTEM} AND "
    + NOT_OF_EXTENSION.format("pg_catalog.pg_proc", "p")
)
_TYPE = (
    f"pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace AND {NOT_SYSTEM} AND "
    + NOT_OF_EXTENSION.format("pg_catalog.pg_type", "t")
)
_PROC_NAME = "format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))"
_TYPE_NAME = "format('%I.%I', n.nspname, t.typname)"


def _owned(name: str, acl: str, kind: str, owner: str, source: str) -> str:
    return f"SELECT {name}, format('owner %s; %s', pg_get_userbyid({owner}), {grants(acl, kind, owner)}) FROM {source}"


QUERIES: dict[str, str] = {
    "schemas": _owned("n.nspname", "n.nspacl", "'n'", "n.nspowner", f"pg_namespace n WHERE {NOT_SYSTEM} AND ")
    + NOT_OF_EXTENSION.format("pg_catalog.pg_namespace", "n"),
    "tables": (
        f"SELECT {NAME}, format('%s %s %s access %s%s%s%s', CASE c.relkind WHEN 'r' THEN 'table' WHEN "
        "'p' THEN 'partitioned' "
        "WHEN 'f' THEN 'foreign' ELSE c.relkind::text END, c.relpersistence, array_to_string(c.reloptions, ','), "
        "(SELECT amname FROM pg_am WHERE oid = c.relam), ' replica ' || c.relreplident::text, "
        "CASE WHEN c.relrowsecurity THEN ' row security' END, CASE WHEN c.relforcerowsecurity THEN ' forced' END) "
        f"FROM {CLASS} WHERE c.relkind IN ('r', 'p', 'f')"
    ),
    "columns": (
        f"SELECT {NAME} || '.' || quote_ident(a.attname), format('%s %s%s%s%s%s%s', "
        "row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod), "
        "CASE WHEN a.attnotnull THEN ' not null' END, ' default ' || pg_get_expr(d.adbin, d.adrelid), "
        "CASE WHEN a.attgenerated <> '' THEN ' generated ' || a.attgenerated::text END, "
        "CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text END, "
        "CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || a.attcollation::regcollation::text END) "
        f"FROM {CLASS} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
        "WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')"
    ),
    "partitions": (
        f"SELECT {NAME}, concat_ws(' ', 'of ' || (SELECT string_agg(i.inhparent::regclass::text, ', ' "
        "ORDER BY inhseqno) "
        "FROM pg_inherits i WHERE i.inhrelid = c.oid), pg_get_expr(c.relpartbound, c.oid), "
        "'by ' || pg_get_partkeydef(c.oid)) "
        f"FROM {CLASS} WHERE c.relkind IN ('r', 'p', 'f') AND (c.relkind = 'p' OR c.relispartition "
        "OR EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid))"
    ),
    "indexes": (
        f"SELECT {NAME}, pg_get_indexdef(c.oid) || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END "
        "|| CASE WHEN i.indisclustered THEN ' clustered' ELSE '' END "
        "|| CASE WHEN i.indisreplident THEN ' replica identity' ELSE '' END "
        f"FROM {CLASS} JOIN pg_index i ON i.indexrelid = c.oid"
    ),
    "constraints": (
        "SELECT coalesce(conrelid::regclass::text, contypid::regtype::text) || '.' || quote_ident(conname), "
        "pg_get_constraintdef(k.oid) || CASE WHEN conislocal THEN '' ELSE ' inherited' END FROM pg_constraint k "
        f"JOIN pg_namespace n ON n.oid = k.connamespace AND {NOT_SYSTEM} WHERE (conrelid <> 0 OR contypid <> 0) "
        "AND contype IN ('c', 'f', 'p', 'u', 'x')"
    ),
    "triggers": (
        f"SELECT {NAME} || '.' || quote_ident(t.tgname), pg_get_triggerdef(t.oid) || ' enabled ' || t.tgenabled::text "
        f"FROM {CLASS} JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal"
    ),
    "event triggers": (
        "SELECT evtname, format('on %s do %s tags %s enabled %s', evtevent, evtfoid::regproc, evttags, evtenabled) "
        "FROM pg_event_trigger v WHERE " + NOT_OF_EXTENSION.format("pg_catalog.pg_event_trigger", "v")
    ),
    "rules": (
        f"SELECT {NAME} || '.' || quote_ident(r.rulename), pg_get_ruledef(r.oid) || ' enabled ' || r.ev_enabled::text "
        f"FROM {CLASS} JOIN pg_rewrite r ON r.ev_class = c.oid AND r.rulename <> '_RETURN'"
    ),
    "functions": (
        f"SELECT {_PROC_NAME}, CASE WHEN p.prokind = 'a' THEN (SELECT format('aggregate %s %s %s', a.aggtransfn, "
        "a.aggfinalfn, a.agginitval) FROM pg_aggregate a WHERE a.aggfnoid = p.oid) ELSE pg_get_functiondef(p.oid) END "
        f"FROM {_PROC}"
    ),
    "views": f"SELECT {NAME}, concat_ws(' ', array_to_string(c.reloptions, ','), pg_get_viewdef(c.oid)) FROM {CLASS} "
    "WHERE c.relkind = 'v'",
    "materialised views": (
        f"SELECT {NAME}, CASE WHEN c.relispopulated THEN 'populated: ' ELSE 'empty: ' END || pg_get_viewdef(c.oid) "
        f"FROM {CLASS} WHERE c.relkind = 'm'"
    ),
    "sequences": (
        f"SELECT {NAME}, format('%s start %s by %s from %s to %s cache %s%s', s.seqtypid::regtype, s.seqstart, "
        "s.seqincrement, s.seqmin, s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN ' cycle' END) "
        "|| coalesce((SELECT ' of ' || d.refobjid::regclass || '.' || quote_ident(a.attname) FROM pg_depend d "
        "JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid "
        "WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass "
        "AND d.deptype IN ('a', 'i') LIMIT 1), '') "
        f"FROM {CLASS} JOIN pg_sequence s ON s.seqrelid = c.oid"
    ),
    "enum types": (
        f"SELECT {_TYPE_NAME}, (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) "
        f"FROM pg_enum e WHERE e.enumtypid = t.oid) FROM {_TYPE} WHERE t.typtype = 'e'"
    ),
    "domains": (
        f"SELECT {_TYPE_NAME}, concat_ws(' ', format_type(t.typbasetype, t.typtypmod), "
        "CASE WHEN t.typnotnull THEN 'not null' END, 'default ' || t.typdefault) "
        f"FROM {_TYPE} WHERE t.typtype = 'd'"
    ),
    "composite types": (
        f"SELECT {_TYPE_NAME}, (SELECT string_agg(quote_ident(a.attname) || ' ' || "
        "format_type(a.atttypid, a.atttypmod), "
        "', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 "
        f"AND NOT a.attisdropped) FROM {_TYPE} JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'"
    ),
    "range types": (
        f"SELECT {_TYPE_NAME}, format('of %s', r.rngsubtype::regtype) FROM {_TYPE} JOIN pg_range r ON "
        "r.rngtypid = t.oid"
    ),
    "row security": (
        f"SELECT {NAME} || '.' || quote_ident(p.polname), concat_ws(' ', p.polcmd, "
        "CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, 'to ' || (SELECT string_agg(CASE o WHEN 0 "
        "THEN 'PUBLIC' ELSE pg_get_userbyid(o) END, ', ' ORDER BY 1) FROM unnest(p.polroles) o), "
        "'using ' || pg_get_expr(p.polqual, p.polrelid), 'check ' || pg_get_expr(p.polwithcheck, p.polrelid)) "
        f"FROM {CLASS} JOIN pg_policy p ON p.polrelid = c.oid"
    ),
    "extensions": "SELECT extname, format('version %s in %s', extversion, extnamespace::regnamespace) FROM "
    "pg_extension",
    "comments": (
        "SELECT i.type || ' ' || i.identity, d.description FROM pg_description d, "
        "LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i "
        "WHERE d.objoid >= 16384 AND i.identity !~ '^(pg_toast|pg_catalog|information_schema)\\.' AND NOT EXISTS "
        "(SELECT FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e') "
        "AND i.type <> 'extension' UNION ALL SELECT 'database', shobj_description(oid, 'pg_database') FROM pg_database "
        "WHERE datname = current_database() AND shobj_description(oid, 'pg_database') IS NOT NULL"
    ),
    "statistics": (
        "SELECT format('%I.%I', n.nspname, s.stxname), pg_get_statisticsobjdef(s.oid) FROM pg_statistic_ext s "
        f"JOIN pg_namespace n ON n.oid = s.stxnamespace AND {NOT_SYSTEM}"
    ),
    "publications": (
        "SELECT pubname, format('all %s insert %s update %s delete %s truncate %s: %s', puballtables, "
        "pubinsert, pubupdate, "
        "pubdelete, pubtruncate, (SELECT string_agg(format('%I.%I', schemaname, tablename), ', ' ORDER BY 1) "
        "FROM pg_publication_tables t WHERE t.pubname = p.pubname)) FROM pg_publication p"
    ),
    "grants on tables": _owned(
        NAME,
        "c.relacl",
        "(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END)::\"char\"",
        "c.relowner",
        f"{CLASS} WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')",
    ),
    "grants on columns": (
        f"SELECT {NAME} || '.' || quote_ident(a.attname), "
        f"{grants('a.attacl', chr(39) + 'c' + chr(39), 'c.relowner')} "
        f"FROM {CLASS} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped"
    ),
    "grants on functions": _owned(_PROC_NAME, "p.proacl", "'f'", "p.proowner", _PROC),
    "grants on types": _owned(
        _TYPE_NAME, "t.typacl", "'T'", "t.typowner", f"{_TYPE} WHERE t.typtype IN ('e', 'd', 'r') "
    ),
    "default grants": (
        "SELECT format('%s %s %s', pg_get_userbyid(d.defaclrole), d.defaclnamespace::regnamespace, d.defaclobjtype), "
        f"{grants('d.defaclacl', chr(39) + 'r' + chr(39), 'd.defaclrole')} FROM pg_default_acl d"
    ),
    "database settings": (
        "SELECT coalesce(nullif(pg_get_userbyid(s.setrole), 'unknown (OID=0)'), 'all') || "
        "CASE WHEN s.setdatabase = 0 THEN ' everywhere' ELSE '' END || ' ' || split_part(one, '=', 1), one "
        "FROM pg_db_role_setting s, unnest(s.setconfig) one "
        "WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
    ),
    "database": _owned(
        "'database'", "d.datacl", "'d'", "d.datdba", "pg_database d WHERE d.datname = current_database()"
    ),
    "roles": (
        "SELECT rolname, concat_ws(' ', CASE WHEN rolsuper THEN 'superuser' END, CASE WHEN rolinherit "
        "THEN 'inherit' END, "
        "CASE WHEN rolcreaterole THEN 'createrole' END, CASE WHEN rolcreatedb THEN 'createdb' END, "
        "CASE WHEN rolcanlogin THEN 'login' ELSE 'nologin' END, CASE WHEN rolreplication THEN 'replication' END, "
        "CASE WHEN rolbypassrls THEN 'bypassrls' END, 'connections ' || rolconnlimit, 'until ' || rolvaliduntil) "
        "FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'harness_scratch'"
    ),
    "memberships": (
        "SELECT pg_get_userbyid(m.member) || ' in ' || pg_get_userbyid(m.roleid), "
        "CASE WHEN bool_or(m.admin_option) THEN 'with admin' ELSE 'member' END FROM pg_auth_members m "
        "WHERE pg_get_userbyid(m.member) !~ '^pg_' GROUP BY 1"
    ),
    **LATER,
}
"""Kinds of the whole server are `roles` and `memberships` (and settings of roles): a dump of one database holds
none."""

SERVER_WIDE = ("roles", "memberships")
WITH_DATABASE = ("database settings", "database")
"""Kinds that a dump tells only when it holds the database itself."""
RIGHTS = (
    "roles",
    "memberships",
    "default grants",
    "database",
    *(kind for kind in QUERIES if kind.startswith("grants ")),
)
