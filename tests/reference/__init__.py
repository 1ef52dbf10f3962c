"""An exact reference in NumPy: what a small circuit gives, from the definitions of its gates alone."""

from .distribution import distribution
from .loader import program_of
from .values import expectations

__all__ = ["distribution", "expectations", "program_of"]
