"""The codes and options of Divi's client, as targets of Farshot or refused by name."""

import pytest

from farshot.errors import BatchError, OptionError
from farshot.service.divi.options import options_of


@pytest.mark.parametrize(
    ("cluster", "config", "target"),
    [
        (None, {}, "auto"),
        ("qoro_maestro", {}, "auto"),
        ("auto", {"simulation_type": 2}, "prism:stabilizer"),
        ("aer:mps", {}, "aer:mps"),
        ("aer", {"simulation_type": 1}, "aer:mps"),
        ("aer:mps", {"simulator_type": 0, "simulation_type": 1}, "aer:mps"),
        ("qoro_maestro", {"simulator_type": 0}, "aer"),
        ("qoro_maestro", {"simulator_type": 1, "simulation_type": 0}, "prism:statevector"),
        ("qoro_maestro", {"simulation_type": 7}, "aer:density_matrix"),
        ("qoro_maestro", {"simulation_type": None, "seed": None}, "auto"),
    ],
)
def test_codes_name_a_target(cluster, config, target):
    assert options_of(cluster, config).target == target


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"simulator_type": 4}, "simulator_type 4 .GPU."),
        ({"simulator_type": 5}, "Quest"),
        ({"simulator_type": True}, "simulator_type True"),
        ({"simulator_type": "aer"}, "simulator_type 'aer'"),
        ({"simulation_type": 3}, "simulation_type 3 .tensor network."),
        ({"simulation_type": 99}, "simulation_type 99 is"),
        ({"max_bond_dimension": 8}, "max_bond_dimension"),
        ({"noise_model": []}, "noise_model"),
        ({"noise_realizations": 5}, "noise_realizations"),
        ({"pp_max_terms": 5}, "pp_max_terms"),
        ({"api_meta": 3}, "api_meta"),
        ({"api_meta": {"optimization_level": 1}}, "api_meta.optimization_level"),
        ({"seed": "x"}, "seed"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(config, named):
    with pytest.raises(OptionError, match=named):
        options_of("qoro_maestro", config)


@pytest.mark.parametrize("config", [{"simulator_type": 0}, {"simulation_type": 0}])
def test_a_code_and_a_cluster_that_differ_are_refused(config):
    with pytest.raises(BatchError, match="choose one"):
        options_of("prism:mps", config)


def test_a_seed_and_a_time_are_kept():
    options = options_of(None, {"seed": 7, "api_meta": {"max_execution_time": 60}})
    assert (options.seed, options.timeout) == (7, 60.0)
