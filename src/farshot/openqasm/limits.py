"""The limits of one circuit. Beyond them a parser or a simulator was seen to hang, abort or give wrong results."""

from __future__ import annotations

MAX_QUBITS = 10_000
"""Declared qubits."""
MAX_BITS = 65_536
"""Declared classical bits; each is one character of every key of the counts."""
MAX_NESTING = 64
"""Depth of parentheses, of blocks, of modifiers, and of gates that use gates."""
MAX_OPERATIONS = 1_000_000
"""Operations after all gates, broadcasts and loops are expanded."""
MAX_DIGITS = 1_000
"""Characters of one number."""
MAX_STEPS = 30_000
"""Statements run inside loops."""
MAX_WORK = 10_000_000
"""Indices picked, operands repeated and steps of expressions computed, beyond one for each token of the text."""
MAX_EVALUATIONS = 50_000
"""Gate calls checked one by one because their angles may leave the finite numbers."""
