"""Packed texts of Divi's client, and what is refused while they are unpacked."""

import base64
import gzip

import pytest

from farshot.errors import BatchError
from farshot.service.divi.packed_texts import Unpacker, dense_observables


def packed(data):
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def forged(data, size):
    """Return packed data that say another size than they have."""
    return base64.b64encode(gzip.compress(data, mtime=0)[:-4] + size.to_bytes(4, "little")).decode()


def group(width, terms):
    return f"@gzs{width}:{packed(terms.encode())}"


def test_a_text_is_what_was_packed():
    assert Unpacker().text("it", packed("rx(2*β[0])".encode())) == "rx(2*β[0])"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("§", "not base64 of gzip"),
        (base64.b64encode(b"plain").decode(), "not base64 of gzip"),
        (packed(b"\xff"), "UTF-8"),
        (base64.b64encode(gzip.compress(b"x" * 999, mtime=0)[:-9]).decode(), "ends early"),
        (packed(bytes(2**24)), "too large"),
        (forged(bytes(2**24), 100), "more than it says"),
        (forged(b"x" * 100, 2**24), "too large"),
        (forged(b"x" * 100, 101), "not base64 of gzip"),
    ],
)
def test_what_is_no_packed_text_is_refused(text, why):
    with pytest.raises(BatchError, match=f"^it .*{why}"):
        Unpacker().text("it", text)


def test_the_texts_of_a_call_share_what_they_may_have():
    unpacker = Unpacker(1000)
    unpacker.text("first", packed(b"x" * 900))
    with pytest.raises(BatchError, match=r"second is too large: .* 100 bytes are left"):
        unpacker.text("second", packed(b"x" * 101))


def test_observables_get_a_letter_for_every_qubit():
    assert dense_observables(group(4, "Z0X3;I") + "|" + group(12, "Y11X0")) == "ZIIX;IIII|XIIIIIIIIIIY"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ZZ", "not of the form"),
        ("@gzs2:!!", "not of the form"),
        (group(2, "Z0;;X1"), "no term"),
        (group(2, "A0"), "no term"),
        (group(2, "Z"), "no term"),
        (group(2, "Z2"), "beyond"),
        (group(2, "Z0X0"), "twice"),
        (group(9_999_999, "I"), "more than a job may have"),
        (group(2, "I") + "|", "group 2"),
        (group(1, ";".join("I" * 500_001)), "500,001 terms"),
        ("|".join([group(1, ";".join("I" * 250_001))] * 2), "group 2 .*250,001 terms"),
        ("|".join([group(1, "I")] * 20_001), "20,000 groups"),
        (group(4, "Z0" * 4_000_000), "more than a job may have|no term"),
        (group(10_001, "I"), "10,000"),
        (group(3, "Z0X1Y2Z2X1"), "twice"),
        (f"@gzs2:{forged(b'Z0;' * 2_000_000, 10)}", "more than it says"),
    ],
)
def test_what_is_no_observable_is_refused(text, why):
    with pytest.raises(BatchError, match=why):
        dense_observables(text)
