"""The version of the package, for those who must not import the public names."""

__version__ = "0.1.0"
