"""Linear algebra: matmul and einsum, covariances, and transpose_copy, a transpose that is laid out anew in memory."""

from kernels.linalg import stacks as _stacks  # noqa: F401 - more variants of matmul
from kernels.linalg.corrcoef import corrcoef
from kernels.linalg.cov import cov
from kernels.linalg.einsum import einsum
from kernels.linalg.matmul import matmul
from kernels.linalg.transpose_copy import transpose_copy

__all__ = ["corrcoef", "cov", "einsum", "matmul", "transpose_copy"]
