"""What documents name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/farshot"
NAMED = sorted(
    set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py|[a-z_]+/)`", (ROOT / "docs/architecture.md").read_text("utf-8")))
)


def test_the_map_names_files():
    assert len(NAMED) > 30


@pytest.mark.parametrize("path", NAMED)
def test_a_file_on_the_map_is_there(path):
    assert (PACKAGE / path).exists() or (ROOT / path).exists()
