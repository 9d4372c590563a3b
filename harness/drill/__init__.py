"""Drills: runs that destroy and recover, and the records that they leave."""
