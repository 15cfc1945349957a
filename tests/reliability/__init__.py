"""What must be survived: faults, hostile files, many processes, bad candidates, busy neighbours.

Each theme has its file of tests. What can be tried more often is a row of the table that `python -m tests.reliability`
prints (see `soak`): the test of the same name tries it a few times, or, where that is slow, is marked ``soak``.
"""
