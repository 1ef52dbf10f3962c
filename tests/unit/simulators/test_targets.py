import subprocess
import sys

import pytest

from farshot.errors import MissingExtraError, TargetError
from farshot.simulators import targets
from farshot.simulators.aer import AerSimulator
from farshot.simulators.prism import PrismSimulator
from farshot.simulators.targets import Target, check_target, known_targets, missing_extra, parse_target


def test_auto_tries_prism_first():
    assert parse_target("auto") == Target(("prism", "aer"))


@pytest.mark.parametrize("name", known_targets())
def test_every_known_target_can_be_used_where_all_extras_are_installed(name):
    assert check_target(name) == name


@pytest.mark.parametrize("simulator", [PrismSimulator, AerSimulator])
def test_the_table_names_the_methods_of_each_simulator(simulator):
    methods = tuple(name.partition(":")[2] for name in known_targets() if name.startswith(f"{simulator.name}:"))
    assert methods == simulator.methods


@pytest.mark.parametrize("name", ["", "prsm", "prism:", "prism:exact", "auto:mps", "Prism", "aer:mps:4", ":mps"])
def test_an_unknown_target_is_refused_with_those_there_are(name):
    with pytest.raises(TargetError, match="known are auto, prism, aer, prism:statevector"):
        check_target(name)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(targets, "find_spec", lambda _module: None)
    assert missing_extra("prism") is None
    with pytest.raises(MissingExtraError, match=r"pip install 'farshot\[aer\]'"):
        check_target("aer:mps")
    assert check_target("auto") == "auto"


def test_checking_a_name_imports_no_simulator():
    program = (
        "import sys; from farshot.simulators.targets import check_target; check_target('aer:mps'); "
        "print({'prism_q', 'qiskit', 'qiskit_aer', 'numpy'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
