import pytest

from farshot.config.units import Seconds, Size, whole_number


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20min", 1200),
        ("20 minutes", 1200),
        ("90 sec", 90),
        ("1.5 hours", 5400),
        ("2 Days", 172_800),
        ("1 week", 604_800),
    ],
)
def test_a_time_is_read_as_people_write_it(text, seconds):
    assert Seconds.read(text) == seconds


@pytest.mark.parametrize("text", ["20 fortnights", "min", "-5min", "1e400", "9" * 5000 + "s", "", "5 m 3 s"])
def test_a_text_that_is_no_time_says_what_one_is(text):
    with pytest.raises(ValueError, match="a time is seconds, or text as in 90s"):
        Seconds.read(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e6", 10**6), ("1E3", 1000), ("1.5e3", 1500), ("1_000_000", 10**6), (" 7 ", 7), ("-1", -1), ("12.0", 12)],
)
def test_a_whole_number_is_read_as_people_write_it(text, number):
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["1e-3", "0.5", "1e9999", "1" * 50, "one", "", "1e6e6", "0x10", "1__0", "nan", "inf"])
def test_a_text_that_is_no_whole_number_says_what_one_is(text):
    with pytest.raises(ValueError, match="a whole number is needed, as in 1000 or 1e6"):
        whole_number(text)


def test_a_size_of_many_digits_is_refused():
    with pytest.raises(ValueError, match="a size is bytes"):
        Size.read("9" * 5000 + "KiB")
