"""For all tests."""

import os

import pytest
from hypothesis import HealthCheck, settings

# Workers share the processors. Threads that spin while they wait for each other made the suite twice as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Assertions in the helpers of tests explain themselves, too.
pytest.register_assert_rewrite("tests.e2e", "tests.servers", "tests.trainer")

# No verdict depends on how fast the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
