"""Images: rgb_to_gray, gaussian_blur, convolve2d and sobel."""

from kernels.imaging.convolve2d import convolve2d
from kernels.imaging.gaussian_blur import gaussian_blur
from kernels.imaging.rgb_to_gray import rgb_to_gray
from kernels.imaging.sobel import sobel

__all__ = ["convolve2d", "gaussian_blur", "rgb_to_gray", "sobel"]
