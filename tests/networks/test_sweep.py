"""The experiment: weights that matter more while they shrink, and how runs are kept."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from asymptotics.errors import InvalidInput
from asymptotics.networks import Digits, Teacher, sweep
from asymptotics.results import NetworkSweep

ETA = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
RULES = np.array(["magnitude", "hessian"])[:, None]
SMALL = Teacher(inputs=4, test_samples=100)


@pytest.fixture(scope="module")
def found() -> NetworkSweep:
    """The setting of the bundled example, with half of its runs."""
    return sweep(ETA, rule=RULES, trials=4, workers=1)


def test_output_weights_shrink(found: NetworkSweep) -> None:
    size = found.magnitude_output[0]
    assert 0.45 < size[0] < 0.65
    assert size[-1] < 0.04
    assert (np.diff(size) < 0).all()


def test_while_they_matter_more(found: NetworkSweep) -> None:
    """That the smaller layer is the less important one is what magnitude pruning takes for true."""
    importance, size = found.restored_output[0], found.magnitude_output[0]
    assert importance[0] < 0.03
    assert importance[3] > 0.5
    assert importance[-1] > 0.35
    assert np.corrcoef(np.log(size), importance)[0, 1] < -0.3
    # At the largest scale the output layer is 30 times smaller, and 10 times as important.
    assert 30 * size[-1] < found.magnitude_hidden[0, -1]
    assert importance[-1] > 10 * found.restored_hidden[0, -1]


def test_magnitude_pruning_fails_catastrophically(found: NetworkSweep) -> None:
    error, kept = found.test_error[0], found.kept_output[0]
    assert (error[:2] < 0.3).all()
    assert error[3] > 0.6
    assert 0.02 < kept[3] < 0.4
    np.testing.assert_allclose(error[4:], 1, atol=0.1)
    assert (kept[4:] < 0.02).all()
    assert (found.collapsed[0, 4:] >= 0.5).all()


def test_hessian_pruning_does_not(found: NetworkSweep) -> None:
    error = found.test_error[1]
    assert (error[:2] < 0.3).all()
    assert error[3] < 0.5
    assert error[4] < 0.6
    assert error[5] < 1.12 * found.unpruned_error[1, 5]
    assert (error[3:] < 0.8 * found.test_error[0, 3:]).all()
    assert (found.collapsed[1] == 0).all()


def test_so_it_is_with_images() -> None:
    """Half of the weights, from a small and a large start."""
    found = sweep([0.5, 4.0], rule=RULES, task=Digits(), trials=2, steps=2000, workers=1)
    (small, large), (hessian_small, hessian_large) = found.test_error
    assert small < 0.3
    assert hessian_small < 0.3
    assert large == pytest.approx(1, abs=0.05)
    assert found.collapsed[0].tolist() == [0, 1]
    assert hessian_large < 0.5


def small(**settings: object) -> NetworkSweep:
    given = {"width": 6, "samples": 30, "task": SMALL, "trials": 3, "steps": 60, "workers": 1}
    return sweep([0.5, 3.0], [[0.3], [0.7]], **{**given, **settings})  # type: ignore[arg-type]


def columns(result: NetworkSweep) -> list[list[object]]:
    return [[repr(value) for value in row.values()] for row in result.rows()]


def test_workers_change_nothing() -> None:
    assert columns(small()) == columns(small(workers=2))


def test_seeds_and_settings_do() -> None:
    base = small()
    assert columns(base) == columns(small())
    assert not np.array_equal(base.test_error, small(seed=1).test_error)
    assert not np.array_equal(base.test_error, small(steps=61).test_error)
    assert not np.array_equal(base.test_error, small(scope="layer").test_error)
    assert not np.array_equal(base.test_error, small(activation="linear").test_error)
    assert not np.array_equal(base.test_error, small(antisymmetric=False).test_error)


def test_rows_do_not_depend_on_what_else_is_asked() -> None:
    alone = sweep(3.0, 0.7, width=6, samples=30, task=SMALL, trials=3, steps=60, workers=1)
    assert alone.test_error == small().test_error[1, 1]
    assert alone.unpruned_error == small().unpruned_error[1, 1]


def test_a_store_is_resumed(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    seen: list[tuple[int, int]] = []
    few = small(trials=2, store=path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4, 4)
    more = small(trials=3, store=path, progress=lambda done, total: seen.append((done, total)))
    assert columns(more) == columns(small(trials=3))
    assert few.trials.max() == 2
    # All is there: nothing is trained, were it to take for ever.
    began = time.monotonic()
    small(store=path)
    assert time.monotonic() - began < 5


def test_killed_and_resumed(tmp_path: Path) -> None:
    """What was written stays, and the numbers are those of a run that was let alone."""
    script, path = tmp_path / "script.py", tmp_path / "runs.db"
    script.write_text(
        "from asymptotics.networks import Teacher, sweep\n"
        "sweep([0.5, 3.0], [[0.3], [0.7]], width=6, samples=30, steps=60, workers=1,\n"
        f"      task=Teacher(inputs=4, test_samples=100), trials=400, store={str(path)!r})\n"
    )
    with subprocess.Popen([sys.executable, script]) as process:
        while not (path.exists() and path.stat().st_size > 20_000) and process.poll() is None:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    assert columns(small(trials=5, store=path)) == columns(small(trials=5))


def test_divergence_is_a_status_and_no_number() -> None:
    found = small(step=1e4)
    assert (found.status == "diverges").all()
    assert np.isnan(found.test_error).all()
    assert "3 of 3 runs diverged: take a smaller step" in found.table()


def test_one_run_has_no_error_bar() -> None:
    found = small(trials=1)
    assert np.isnan(found.test_error_se).all()
    assert np.isfinite(found.test_error).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eta": 0}, "eta = 0"),
        ({"eta": []}, "shapes"),
        ({"alpha": 1.5}, r"alpha = 1\.5"),
        ({"rule": "magnitud"}, "rule = 'magnitud'.*did you mean 'magnitude'"),
        ({"rule": ["hessian", 3]}, r"rule\[1\] = 3"),
        ({"width": 5}, "width = 5: must be even"),
        ({"width": 2.5}, r"width = 2\.5: must be a whole number"),
        ({"samples": 0}, "samples = 0"),
        ({"eta": [1, 2], "alpha": [0.1, 0.2, 0.3]}, "shapes.*must broadcast"),
        ({"task": "teacher"}, "task = 'teacher'"),
        ({"scope": "neuron"}, "scope = 'neuron'.*known: global, layer"),
        ({"activation": "tanh"}, "activation = 'tanh'"),
        ({"trials": 0}, "trials = 0"),
        ({"steps": 1.5}, r"steps = 1\.5"),
        ({"step": -1}, "step = -1"),
        ({"seed": -1}, "seed = -1"),
        ({"workers": 0}, "workers = 0"),
        ({"task": Digits(), "samples": 1797}, "samples = 1797: must be .* <= 1796"),
    ],
)
def test_bad_input_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        sweep(**{"eta": 1.0, "workers": 1, **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"inputs": 0}, "inputs = 0"), ({"sigma": -1}, "sigma = -1"), ({"neurons": 1.5}, "neurons")],
)
def test_tasks_are_checked(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Teacher(**settings)  # type: ignore[arg-type]


def test_noise_is_part_of_the_error() -> None:
    rng = np.random.default_rng(0)
    data = Teacher(sigma=2.0).draw(100, rng)
    assert data.inputs.shape == (100, 20)
    assert data.test_inputs.shape == (5000, 20)
    assert data.targets.mean() == pytest.approx(0, abs=1e-12)
    assert np.var(data.test_targets) == pytest.approx(4 + 1.36, rel=0.25)


def test_the_figure(found: NetworkSweep, tmp_path: Path) -> None:
    from asymptotics.plotting import save

    save(found, path := tmp_path / "network.svg")
    text = path.read_text()
    assert text.count("<path") > 30
    first = path.read_bytes()
    save(found, path)
    assert path.read_bytes() == first
    figure = found.plot()
    labels = [ax.get_legend_handles_labels()[1] for ax in figure.axes]
    assert labels[0] == labels[1] == ["hidden $W$", "output $v$"]
    assert labels[2] == ["predicting the mean", "before pruning", "magnitude", "hessian"]
    with pytest.raises(InvalidInput, match="x = 'kappa'"):
        found.plot(x="kappa")
    several = small().plot(x="eta")
    assert len(several.axes[2].get_legend_handles_labels()[1]) == 4
