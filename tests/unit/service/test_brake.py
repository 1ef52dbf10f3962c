"""Refusals come later and later for whoever goes on asking, and for nobody else."""

from farshot.service.refusal_delay import RefusalDelay


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_the_first_refusals_are_told_at_once():
    brake = RefusalDelay(Clock())
    assert [brake.delay("ann") for _ in range(50)] == [0.0] * 50


def test_further_ones_are_twenty_a_second():
    brake = RefusalDelay(Clock())
    delays = [brake.delay("ann") for _ in range(90)][50:]
    assert delays == [round(number / 20, 3) for number in range(1, 41)]


def test_no_refusal_takes_longer_than_clients_bear():
    brake = RefusalDelay(Clock())
    assert 9.9 < max(brake.delay("ann") for _ in range(10_000)) <= 10.0


def test_what_cannot_be_told_in_time_is_told_at_different_times():
    brake = RefusalDelay(Clock())
    delays = [brake.delay("ann") for _ in range(1150)][150:]
    counts = [sum(start <= delay < start + 0.25 for delay in delays) for start in (5.0, 6.0, 7.0, 8.0, 9.0, 9.75)]
    assert min(counts) > 45


def test_one_user_is_not_held_back_for_another():
    brake = RefusalDelay(Clock())
    for _ in range(1000):
        brake.delay("ann")
    assert brake.delay("ben") == 0.0


def test_it_is_forgotten_with_time():
    clock = Clock()
    brake = RefusalDelay(clock)
    for _ in range(1000):
        brake.delay("ann")
    clock.now += 5.0
    assert brake.delay("ann") <= 0.05
    clock.now += 3.0
    assert brake.delay("ann") == 0.0
