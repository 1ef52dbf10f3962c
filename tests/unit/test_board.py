import os
import subprocess
import sys
import time

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
