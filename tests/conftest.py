"""For all tests."""

import os

import pytest

# Workers share the processors. Threads that spin while they wait for each other made the suite twice as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Assertions in the helpers of tests explain themselves, too.
pytest.register_assert_rewrite("tests.e2e", "tests.servers", "tests.trainer")
