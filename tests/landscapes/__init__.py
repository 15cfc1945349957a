"""Recorded landscapes: what every setting of a blocked kernel costs, so that search is tested without a clock."""
