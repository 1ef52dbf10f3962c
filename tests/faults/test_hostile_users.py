"""Short versions of what `python benchmarks/service_hostile.py` runs in full: attacks beside an honest user."""

import pytest

from faults.campaigns.attacks import ATTACKS
from faults.campaigns.beside import MIB, attacked


@pytest.mark.parametrize("name", sorted(ATTACKS.keys() - {"nobody"}))
def test_an_honest_user_beside(name, tmp_path):
    attack = ATTACKS[name]
    with attack.place(tmp_path / "store") as folder:
        found = attacked(attack.run, folder, seconds=2, rate=4)
    assert found.forbidden == set()
    assert found.faults == []
    assert found.seconds
    assert found.growth < 300 * MIB
    assert found.is_ready
