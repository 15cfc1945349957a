"""Linear algebra: matmul, and transpose_copy, a transpose that is laid out anew in memory."""

from kernels.linalg.matmul import matmul
from kernels.linalg.transpose_copy import transpose_copy

__all__ = ["matmul", "transpose_copy"]
