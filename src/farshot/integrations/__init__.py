"""Farshot behind the interfaces of other programs. Each module needs the extra of its name when it is used."""
