"""The report of a workload, or of the whole library: findings as data, and the page that shows them."""
