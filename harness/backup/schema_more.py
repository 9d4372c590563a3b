"""More queries of schema facts, of the kinds that older manifests do not tell of: there a kind that is absent was not
looked at, and a kind of which there was nothing is empty.

No secret is read: neither the connection string of a subscription nor the options of a user mapping.
"""

from __future__ import annotations

from harness.backup.facts import NOT_OF_EXTENSION
from harness.backup.schema_sql import CLASS, NAME, grants

_FIRST_OID = 16384
"""Objects below it came with the server."""


def _own(catalog: str, alias: str) -> str:
    """Of users, and not of an extension."""
    return f"{alias}.oid >= {_FIRST_OID} AND " + NOT_OF_EXTENSION.format(f"pg_catalog.{catalog}", alias)


def _named(catalog: str, definition: str) -> str:
    """Objects of a catalog by their type and identity."""
    return (
        f"SELECT i.type || ' ' || i.identity, {definition} FROM pg_catalog.{catalog} o, "
        f"LATERAL pg_identify_object('pg_catalog.{catalog}'::regclass, o.oid, 0) i WHERE {_own(catalog, 'o')} "
        "AND (i.schema IS NULL OR i.schema !~ '^(pg_|information_schema$)')"
    )


LATER: dict[str, str] = {
    "subscriptions": (
        "SELECT subname, format('slot %s publications %s', subslotname, subpublications) FROM pg_subscription "
        "WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ),
    "foreign data wrappers": _named(
        "pg_foreign_data_wrapper", "concat_ws(' ', fdwhandler::regproc, array_to_string(fdwoptions, ','))"
    ),
    "foreign servers": _named(
        "pg_foreign_server",
        "concat_ws(' ', (SELECT fdwname FROM pg_foreign_data_wrapper WHERE oid = srvfdw), srvtype, srvversion, "
        "array_to_string(srvoptions, ','))",
    ),
    "user mappings": "SELECT format('%s on %s', usename, srvname), 'a mapping' FROM pg_user_mappings",
    "foreign tables": (
        f"SELECT {NAME}, concat_ws(' ', (SELECT srvname FROM pg_foreign_server WHERE oid = f.ftserver), "
        f"array_to_string(f.ftoptions, ',')) FROM {CLASS} JOIN pg_foreign_table f ON f.ftrelid = c.oid"
    ),
    "casts": _named("pg_cast", "concat_ws(' ', nullif(castfunc, 0)::regprocedure, castcontext, castmethod)"),
    "operators": _named(
        "pg_operator",
        "concat_ws(' ', oprcode, oprrest, oprjoin, nullif(oprcom, 0)::regoperator, nullif(oprnegate, 0)::regoperator, "
        "oprcanhash, oprcanmerge)",
    ),
    "operator classes": _named("pg_opclass", "concat_ws(' ', opcintype::regtype, opcdefault)"),
    "operator families": _named("pg_opfamily", "'a family'"),
    "collations": _named(
        "pg_collation", "concat_ws(' ', collprovider, collisdeterministic, collencoding, collcollate, collctype)"
    ),
    "conversions": _named("pg_conversion", "conproc::text"),
    "access methods": _named("pg_am", "amhandler::text"),
    "transforms": _named("pg_transform", "'a transform'"),
    "languages": _named("pg_language", "concat_ws(' ', lanpltrusted, lanplcallfoid::regproc)"),
    "text search configurations": _named(
        "pg_ts_config",
        "(SELECT string_agg(format('%s %s', m.maptokentype, m.mapdict::regdictionary), ', ' "
        "ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = o.oid)",
    ),
    "text search dictionaries": _named("pg_ts_dict", "dictinitoption"),
    "text search parsers": _named("pg_ts_parser", "prsstart::text"),
    "text search templates": _named("pg_ts_template", "tmpllexize::text"),
    "security labels": "SELECT concat_ws(' ', provider, objtype, objname), label FROM pg_seclabels WHERE "
    f"objoid >= {_FIRST_OID} AND objtype NOT IN ('database', 'role', 'tablespace')",
    "storage of columns": (
        f"SELECT {NAME} || '.' || quote_ident(a.attname), concat_ws(' ', a.attstorage, nullif(a.attcompression, ''), "
        "'statistics ' || nullif(a.attstattarget, -1), array_to_string(a.attoptions, ',')) "
        f"FROM {CLASS} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "JOIN pg_type t ON t.oid = a.atttypid WHERE c.relkind IN ('r', 'p', 'm') AND (a.attstorage <> t.typstorage "
        "OR a.attcompression <> '' OR a.attstattarget <> -1 OR a.attoptions IS NOT NULL)"
    ),
    "grants on large objects": (
        f"SELECT format('owner %s; %s', pg_get_userbyid(o.lomowner), "
        f"{grants('o.lomacl', chr(39) + 'L' + chr(39), 'o.lomowner')}), format('%s objects, %s', count(*), "
        "md5(string_agg(o.oid::text, ',' ORDER BY o.oid))) FROM pg_largeobject_metadata o GROUP BY 1"
    ),
    "grants on foreign servers": (
        f"SELECT o.srvname, format('owner %s; %s', pg_get_userbyid(o.srvowner), "
        f"{grants('o.srvacl', chr(39) + 'S' + chr(39), 'o.srvowner')}) FROM pg_foreign_server o "
        f"WHERE {_own('pg_foreign_server', 'o')}"
    ),
}
SECRETS = ("subscriptions", "user mappings")
"""Kinds of which a part is not compared."""
