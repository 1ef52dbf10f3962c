from functools import partial

import pytest

from farshot.errors import CircuitError, FaultCode, MissingExtraError, TargetError
from farshot.model import Forecast, Values
from farshot.openqasm.scanner import scan
from farshot.protocols import Run, Task
from farshot.simulators.router import Router, check_circuit, run_circuit

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
MEASURED = f"{HEAD}qreg q[1]; creg c[1]; x q[0]; measure q[0] -> c[0];"


class Fake:
    """Answers with its name, or with the error or the refusal it was given."""

    methods = ("mps",)

    def __init__(self, name, error=None, refusal=None):
        self.name = name
        self.error = error
        self.reason = refusal

    def refusal(self, task):
        del task
        return self.reason

    def check(self, task):
        self.simulate(task)

    def forecast(self, task):
        return Forecast(self.name, task.method, 2.0)

    def simulate(self, task):
        if self.error is not None:
            raise self.error
        return Run(Values(()), task.method or self.name)


def router_of(**simulators):
    return Router(lambda _group, name: partial(Fake, name, **simulators.get(name, {})))


def task_of(source=MEASURED, shots=10, terms=None):
    return Task(scan(source), 1, shots, terms)


def failing(code, message, line=None):
    return {"error": CircuitError(code, message, line=line)}


def test_prism_comes_first():
    assert run_circuit(router_of(), "auto", task_of()) == ("prism", Run(Values(()), "prism"))


def test_what_is_tried_is_told_before_it_is_run():
    told = []
    router = router_of(prism=failing(FaultCode.UNSUPPORTED, "not this"))
    run_circuit(router, "auto", task_of(), told.append)
    assert told == [Forecast("prism", None, 2.0), Forecast("aer", None, 2.0)]


def test_what_refuses_is_not_told():
    told = []
    run_circuit(router_of(prism={"refusal": "no"}), "auto", task_of(), told.append)
    assert [forecast.simulator for forecast in told] == ["aer"]


def test_the_method_reaches_the_simulator():
    assert run_circuit(router_of(), "prism:mps", task_of())[1].method == "mps"


@pytest.mark.parametrize(
    "trouble",
    [
        {"refusal": "no"},
        failing(FaultCode.UNSUPPORTED, "no"),
        failing(FaultCode.MEMORY, "no"),
        failing(FaultCode.INTERNAL, "no"),
    ],
)
def test_what_one_simulator_cannot_do_another_may(trouble):
    assert run_circuit(router_of(prism=trouble), "auto", task_of())[0] == "aer"
    check_circuit(router_of(prism=trouble), "auto", task_of())


@pytest.mark.parametrize("code", [FaultCode.PARSE, FaultCode.ADMISSION])
def test_a_fault_of_the_circuit_ends_the_search(code):
    with pytest.raises(CircuitError, match="bad") as raised:
        run_circuit(router_of(prism=failing(code, "bad")), "auto", task_of())
    assert raised.value.code is code


def test_where_none_can_the_reason_that_has_a_place_is_given_and_no_simulator_is_named():
    router = router_of(prism={"refusal": "too odd"}, aer=failing(FaultCode.UNSUPPORTED, "too new", line=3))
    with pytest.raises(CircuitError, match=r"^line 3: too new$") as raised:
        run_circuit(router, "auto", task_of())
    assert raised.value.code is FaultCode.UNSUPPORTED


def test_memory_is_the_code_where_memory_would_help():
    router = router_of(prism={"refusal": "too wide"}, aer=failing(FaultCode.MEMORY, "too big"))
    with pytest.raises(CircuitError, match=r"^too big$") as raised:
        run_circuit(router, "auto", task_of())
    assert raised.value.code is FaultCode.MEMORY


def test_a_defect_of_one_simulator_is_not_what_is_told_where_another_says_what_is_wrong():
    router = router_of(prism=failing(FaultCode.INTERNAL, "broken"), aer={"refusal": "too odd"})
    with pytest.raises(CircuitError, match=r"^too odd$") as raised:
        run_circuit(router, "auto", task_of())
    assert raised.value.code is FaultCode.UNSUPPORTED


def test_a_missing_extra_is_named_with_the_command():
    missing = {"error": MissingExtraError("target 'aer' needs an extra: pip install 'farshot[aer]'")}
    with pytest.raises(
        CircuitError, match=r"^too odd; target 'aer' needs an extra: pip install 'farshot\[aer\]'"
    ) as raised:
        run_circuit(router_of(prism={"refusal": "too odd"}, aer=missing), "auto", task_of())
    assert raised.value.code is FaultCode.UNSUPPORTED


def test_a_refusal_goes_before_a_missing_extra():
    trouble = {"error": MissingExtraError("install it"), "refusal": "nor would it help"}
    with pytest.raises(CircuitError, match="nor would it help"):
        run_circuit(router_of(aer=trouble), "aer", task_of())


def test_a_simulator_is_made_once_and_only_when_needed():
    made = []

    def load(_group, name):
        made.append(name)
        return partial(Fake, name)

    router = Router(load)
    for _ in range(2):
        run_circuit(router, "auto", task_of())
    assert made == ["prism"]


def test_an_unknown_target_is_refused():
    with pytest.raises(TargetError):
        run_circuit(router_of(), "qpu", task_of())


@pytest.mark.parametrize("target", ["auto", "prism", "aer"])
def test_sampling_what_is_not_measured_is_refused(target):
    unmeasured = f"{HEAD}qreg q[1]; x q[0];"
    with pytest.raises(CircuitError, match="add measure statements, or ask for observables") as raised:
        run_circuit(router_of(), target, task_of(unmeasured))
    assert raised.value.code is FaultCode.ADMISSION
    run_circuit(router_of(), target, task_of(unmeasured, shots=None, terms=("Z",)))
