"""Histories into figures and findings: phases, quantiles, recovery, what limited the run. Reads History alone."""
