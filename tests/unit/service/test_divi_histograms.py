"""Packed histograms: what Divi's service makes of counts, byte for byte."""

import base64
import json

import numpy as np
import pytest

from farshot.packing import pack_mapping, word_bytes
from farshot.service.divi.histograms import envelope, pack_histogram
from samples import DATA

VECTORS = json.loads((DATA / "divi" / "histograms.json").read_text())


def words_of(width, counts):
    size = word_bytes(width)
    return b"".join(int(key, 2).to_bytes(size, "little") for key in counts)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['n_bits']}-{len(vector['counts'])}")
def test_the_histogram_is_that_of_divi(vector):
    width, counts = vector["n_bits"], dict(sorted(vector["counts"].items()))
    tallies = np.array(list(counts.values()), np.uint64)
    packed = pack_histogram(width, words_of(width, counts), tallies)
    assert base64.b64encode(packed).decode() == vector["envelope"]["payload"]


@pytest.mark.parametrize("vector", [each for each in VECTORS if 0 < max(each["counts"].values(), default=0) < 2**32])
def test_recorded_counts_become_the_envelope_of_divi(vector):
    assert envelope(pack_mapping(vector["n_bits"], vector["counts"])) == vector["envelope"]
