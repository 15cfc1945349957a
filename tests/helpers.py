"""A second module of the same package, for tests of source hashes and imports."""

OFFSET = 4


def shift(x):
    return x + OFFSET
