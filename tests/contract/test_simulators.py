from farshot.openqasm.scanner import scan
from farshot.packing import unpack
from farshot.protocols import Task
from farshot.simulators.router import Router, run_circuit
from farshot.testing.simulators import Ability, SimulatorSuite, failures

ROUTER = Router()


class RoutedSuite(SimulatorSuite):
    target = "auto"

    def simulate(self, source, *, shots, seed):
        _, run = run_circuit(ROUTER, self.target, Task(scan(source), seed, shots=shots))
        return unpack(run.outcome)

    def expectations(self, source, terms):
        _, run = run_circuit(ROUTER, self.target, Task(scan(source), 1, terms=tuple(terms)))
        return run.outcome.values


class TestAuto(RoutedSuite):
    target = "auto"


class TestPrism(RoutedSuite):
    target = "prism"


class TestAer(RoutedSuite):
    target = "aer"


class ReversedKeys(RoutedSuite):
    def simulate(self, source, *, shots, seed):
        return {key[::-1]: count for key, count in super().simulate(source, shots=shots, seed=seed).items()}


class ReversedTerms(RoutedSuite):
    def expectations(self, source, terms):
        return super().expectations(source, [term[::-1] for term in terms])


class ShortKeys(RoutedSuite):
    def simulate(self, source, *, shots, seed):
        return {
            key.lstrip("0") or "0": count for key, count in super().simulate(source, shots=shots, seed=seed).items()
        }


class LostShot(RoutedSuite):
    def simulate(self, source, *, shots, seed):
        return super().simulate(source, shots=shots + 1, seed=seed)


class FixedSeed(RoutedSuite):
    def simulate(self, source, *, shots, seed):
        return super().simulate(source, shots=shots, seed=seed & 0)


class NarrowSeeds(RoutedSuite):
    def simulate(self, source, *, shots, seed):
        return super().simulate(source, shots=shots, seed=seed % 2**32)


class ClaimsNothing(RoutedSuite):
    supports = frozenset()


class RefusesConditions(RoutedSuite):
    supports = frozenset(Ability) - {Ability.DYNAMIC}

    def simulate(self, source, *, shots, seed):
        if "if (" in source:
            message = "no conditions"
            raise ValueError(message)
        return super().simulate(source, shots=shots, seed=seed)


class BoastsOfConditions(RefusesConditions):
    supports = frozenset(Ability)


class SkipsConditions(RoutedSuite):
    supports = frozenset(Ability) - {Ability.DYNAMIC}

    def simulate(self, source, *, shots, seed):
        return super().simulate(source.replace("if (c == 2) x q[2];", ""), shots=shots, seed=seed)


def test_reversed_keys_are_seen_wherever_bits_matter():
    seen = failures(ReversedKeys())
    assert {"test_bit_order", "test_gates", "test_mid_circuit", "test_conditions", "test_openqasm_3"} <= seen.keys()
    assert "test_wide_keys" in seen
    assert "qubit 0 is rightmost: impossible outcome '100'" in seen["test_bit_order"]


def test_reversed_strings_are_seen():
    seen = failures(ReversedTerms())
    assert seen.keys() == {"test_values"}
    assert "the leftmost letter is qubit 0: ZII is 1.0, not -1.0" in seen["test_values"]


def test_dropped_high_zeros_are_seen():
    assert "is not 6 bits" in failures(ShortKeys())["test_bit_order"]


def test_a_shot_too_many_is_seen():
    assert "sum to 1001, not to 1000" in failures(LostShot())["test_gates"]


def test_a_fixed_seed_is_seen():
    assert "test_seeds" in failures(FixedSeed())


def test_a_seed_cut_to_32_bits_is_seen():
    assert failures(NarrowSeeds()).keys() == {"test_large_seeds"}


def test_right_answers_beyond_what_a_simulator_claims_do_no_harm():
    assert failures(ClaimsNothing()) == {}


def test_what_a_simulator_does_not_claim_it_may_refuse():
    assert failures(RefusesConditions()) == {}


def test_what_a_simulator_claims_it_must_not_refuse():
    assert "a register compared with a number: ValueError" in failures(BoastsOfConditions())["test_conditions"]


def test_a_wrong_answer_beyond_what_a_simulator_claims_is_seen():
    assert "a register compared with a number: impossible" in failures(SkipsConditions())["test_conditions"]
