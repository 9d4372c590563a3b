"""Pieces of SQL that the queries of schema facts are made of."""

from __future__ import annotations

from harness.backup.facts import NOT_OF_EXTENSION, NOT_SYSTEM

NAME = "format('%I.%I', n.nspname, c.relname)"
CLASS = (
    "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND c.relpersistence <> 't' "
    f"AND {NOT_SYSTEM} AND " + NOT_OF_EXTENSION.format("pg_catalog.pg_class", "c")
)


def grants(acl: str, kind: str, owner: str) -> str:
    """Who may what, without who granted it, sorted: NULL is what the owner's defaults are."""
    return (
        "coalesce((SELECT string_agg(DISTINCT format('%s=%s%s', CASE g.grantee WHEN 0 THEN 'PUBLIC' "
        "ELSE pg_get_userbyid(g.grantee) END, g.privilege_type, CASE WHEN g.is_grantable THEN '*' ELSE '' END), ' ') "
        f"FROM aclexplode(coalesce({acl}, acldefault({kind}, {owner}))) g WHERE g.grantee <> {owner}), 'nobody')"
    )
