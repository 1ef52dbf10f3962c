import math

import pytest

from reference.angles import angle


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.3", 0.3),
        (".5", 0.5),
        ("3.", 3.0),
        ("2.5E-1", 0.25),
        ("pi/2", math.pi / 2),
        ("-3*pi/4", -3 * math.pi / 4),
        ("1.2/2/3", 0.2),
        ("1-2-3", -4.0),
        ("-(0.75)", -0.75),
        ("sin(0.2)", math.sin(0.2)),
        ("ln(3)", math.log(3)),
        ("1/4", 0.25),
    ],
)
def test_an_angle_is_its_value(text, value):
    assert angle(text) == pytest.approx(value)


def test_an_angle_can_have_names():
    assert angle("-(a+b)/2", {"a": 1.0, "b": 3.0}) == -2.0


@pytest.mark.parametrize("text", ["__import__('os')", "a.b", "2^3", "[1]"])
def test_an_angle_is_nothing_else(text):
    with pytest.raises((ValueError, KeyError)):
        angle(text)
