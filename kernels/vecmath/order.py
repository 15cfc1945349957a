"""Order: floats as integers of the same order, because LLVM vectorises the maximum of integers only."""

import numpy as np

from autotune import jitable

_MAGNITUDE_F64 = np.int64((1 << 63) - 1)
_MAGNITUDE_F32 = np.int32((1 << 31) - 1)
_SIGN_SHIFT_F64 = np.int64(63)
_SIGN_SHIFT_F32 = np.int32(31)
LOWEST_F64 = np.int64(-(1 << 63))  # below every float
LOWEST_F32 = np.int32(-(1 << 31))


@jitable
def ordered_f64(x):
    """An int64 that orders as the float64 does: -0.0 below 0.0, a positive NaN above infinity."""
    bits = np.float64(x).view(np.int64)
    return np.int64(bits ^ ((bits >> _SIGN_SHIFT_F64) & _MAGNITUDE_F64))


@jitable
def from_ordered_f64(order):
    """The float64 of which `ordered_f64` is `order`."""
    return np.int64(order ^ ((order >> _SIGN_SHIFT_F64) & _MAGNITUDE_F64)).view(np.float64)


@jitable
def ordered_f32(x):
    """An int32 that orders as the float32 does: -0.0 below 0.0, a positive NaN above infinity."""
    bits = np.float32(x).view(np.int32)
    return np.int32(bits ^ np.int32(np.int32(bits >> _SIGN_SHIFT_F32) & _MAGNITUDE_F32))


@jitable
def from_ordered_f32(order):
    """The float32 of which `ordered_f32` is `order`."""
    return np.int32(order ^ np.int32(np.int32(order >> _SIGN_SHIFT_F32) & _MAGNITUDE_F32)).view(np.float32)
