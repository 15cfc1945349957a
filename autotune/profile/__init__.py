"""What programs really call, and what tuning gains them.

A `workload` is what a program called; it is recorded in `calls`, turned into decisions in `tuning`, shown in `report`.
In `pairs`, programs and kernels are run again, to see what became faster and what slower.
"""
