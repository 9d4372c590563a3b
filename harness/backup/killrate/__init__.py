"""How many kinds of damage the verifier catches: every mutant on every shape of backup that it fits."""
