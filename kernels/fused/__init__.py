"""Fused chains of elementwise operations and reductions: what NumPy computes in several passes, with a temporary
array after each, computed while the elements are in cache and registers.

Compiled code does not warn: what NumPy would answer with a floating-point warning is handed to NumPy.
"""

from kernels.fused.gelu import gelu
from kernels.fused.layer_norm import layer_norm
from kernels.fused.log_softmax import log_softmax
from kernels.fused.logsumexp import logsumexp
from kernels.fused.multiply_add import multiply_add
from kernels.fused.relu_multiply import relu_multiply
from kernels.fused.softmax import softmax

__all__ = ["gelu", "layer_norm", "log_softmax", "logsumexp", "multiply_add", "relu_multiply", "softmax"]
