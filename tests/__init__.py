"""Assertions in the helpers of tests explain themselves as those of tests do."""

import pytest

pytest.register_assert_rewrite("tests.e2e", "tests.servers", "tests.bot", "tests.trainer")
