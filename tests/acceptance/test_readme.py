"""The README's first program gives what the README says."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_first_program_prints_what_it_says(python):
    program = re.search(r"```python\n(import farshot.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]
    promised = re.search(r"'results': (\{.*?\})", program)[1]
    assert promised in python.script(program)
