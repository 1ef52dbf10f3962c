"""What docs/service.md shows is what is read."""

import re
from pathlib import Path

import pytest

from farshot.config.resolution import load
from farshot.simulators.targets import check_target

GUIDE = (Path(__file__).parents[3] / "docs" / "service.md").read_text(encoding="utf-8")


@pytest.fixture
def settings(tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    file = tmp_path / "service.toml"
    file.write_text(example, encoding="utf-8")
    return load(file, {}, {}).settings


def test_the_example_of_a_file_is_read(settings):
    assert (settings.server.port, settings.server.workers) == (8080, 8)
    assert (settings.quota.queued_circuits, settings.quota.shots_per_day) == (2_000_000, 100_000_000)
    assert settings.retention.ended_jobs == 30 * 86400


def test_its_targets_are_those_on_offer(settings):
    assert {name: target.circuit_timeout for name, target in settings.targets.items()} == {
        "auto": None,
        "prism:mps": 600,
    }
    for name in settings.targets:
        check_target(name)
