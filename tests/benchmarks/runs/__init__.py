"""Recorded runs: what fresh processes said of unchanged code, on a calm machine and beside busy neighbours."""
