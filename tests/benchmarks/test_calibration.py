import numpy as np
import pytest
from calibration import observed, passed, proven
from evaluations import estimates


def _part(n_minors, looks=17.5, **older):
    """Minors who all look so old, but for those in `older`, such as one who looks 30: `one=30.5`."""
    minors = np.full(n_minors, 16.0)
    errors = np.full(n_minors, looks - 16.0)
    errors[: len(older)] = np.array(list(older.values())) - 16.0
    return estimates(np.append(minors, [10.0, 40.0]), np.append(errors, [30.0, 0.0]), sd=None)


@pytest.mark.parametrize(("n", "expected"), [(299, 18.0), (298, np.nan)])
def test_it_takes_299_minors_of_whom_none_passes_to_prove_one_percent(n, expected):
    part = _part(n)
    assert passed(part)[1] == n, "children and adults are no minors"
    assert proven(part, 0.01) == pytest.approx(expected, nan_ok=True)
    assert observed(part, 0.01) == 18.0


def test_the_proof_ends_where_the_first_minor_passes_and_the_observed_rate_goes_on():
    part = _part(300, one=30.5)
    assert proven(part, 0.01) == 31.0
    assert observed(part, 0.01) == 18.0
    assert observed(_part(99, one=30.5), 0.01) == 31.0


def test_without_minors_no_threshold_is_chosen():
    assert np.isnan(proven(_part(0), 0.01))
    assert np.isnan(observed(_part(0), 0.01))
