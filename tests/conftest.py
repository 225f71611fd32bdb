"""Seeds and Hypothesis settings for the whole suite."""

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# No deadline: the first call of a kernel pays for page faults, and CI machines are shared.
# Derandomized, so that a run says the same thing twice; HYPOTHESIS_PROFILE=explore looks further.
settings.register_profile(
    "picaflor",
    deadline=None,
    max_examples=40,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "picaflor"))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> type[np.floating]:
    return request.param


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Make SIGINT heard, here and in processes that are started: background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
