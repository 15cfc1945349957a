"""Monte-Carlo methods on a random stream of their own: pi_estimate and option_price.

The stream is counter-based: the i-th number is a function of the seed and of i alone. So a variant may draw the numbers
in any order, in blocks and on any number of threads, and all variants draw the same ones.
"""

from kernels.montecarlo.option_price import option_price
from kernels.montecarlo.pi_estimate import pi_estimate

__all__ = ["option_price", "pi_estimate"]
