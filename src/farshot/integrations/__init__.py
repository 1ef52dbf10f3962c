"""Farshot inside other programs' own interfaces. Each module needs an extra of its name, on use, never at import."""

from __future__ import annotations

__all__: list[str] = []
