import os
import subprocess
import sys
import time

from farshot.model import Forecast
from farshot.worker.board import Board

WRITER = """
import sys
from farshot.worker.board import Board
board = Board(int(sys.argv[1]))
for position in range(200_000):
    board.announce(position)
    if position % 3 == 0:
        board.clear()
"""


def test_a_new_board_announces_nothing():
    board, descriptor = Board.create()
    os.close(descriptor)
    assert (board.announced(), board.seconds()) == (None, 0.0)
    board.announce(7)
    assert board.announced() == 7
    board.clear()
    assert board.announced() is None


def test_a_reader_never_sees_an_old_time_beside_a_new_position():
    board, descriptor = Board.create()
    with subprocess.Popen([sys.executable, "-c", WRITER, str(descriptor)], pass_fds=(descriptor,)) as writer:
        os.close(descriptor)
        started = time.monotonic()
        longest = 0.0
        while writer.poll() is None:
            longest = max(longest, board.seconds())
    assert longest <= time.monotonic() - started


def test_a_forecast_is_for_the_circuit_that_was_announced_last():
    board, descriptor = Board.create()
    os.close(descriptor)
    assert board.forecast() is None
    dense, brief = Forecast("prism", "statevector", 660.0), Forecast("aer")
    for position, told in enumerate((dense, dense, brief, dense)):
        board.announce(position)
        assert board.forecast() is None
        board.announce_forecast(told)
        assert board.forecast() == told
    board.clear()
    assert board.forecast() is None
    board.announce(3)
    assert board.forecast() is None


def test_long_names_are_cut():
    board, descriptor = Board.create()
    os.close(descriptor)
    board.announce(0)
    board.announce_forecast(Forecast("s" * 100, "ü" * 100))
    assert board.forecast() == Forecast("s" * 64, "ü" * 32)
