"""Parametric circuits: a template, its parameters and its rows."""
