"""From a workload to decisions: where measuring saves most, and what it saved."""
