"""Recorded noise: durations of one call, 20,000 times in a row, on a calm machine and beside busy neighbours."""
