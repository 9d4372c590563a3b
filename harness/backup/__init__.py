"""Backups of any PostgreSQL: restored into a scratch server, judged by what they hold, damaged on purpose."""
