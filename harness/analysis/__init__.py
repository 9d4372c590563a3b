"""Figures and findings, computed from a history and nothing else."""
