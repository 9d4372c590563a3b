"""The names a scenario may import, and no others."""
