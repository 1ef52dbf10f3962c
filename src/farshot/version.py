"""The version of the package, for modules that must not import the public names."""

__version__ = "0.1.0"
