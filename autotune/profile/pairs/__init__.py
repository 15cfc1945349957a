"""Programs and kernels run in pairs of fresh processes: what tuning gains, and what became slower."""
