"""The experiment: weights that matter more while they shrink, and how runs are kept."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from asymptotics.errors import InvalidInput
from asymptotics.networks import Digits, Teacher, sweep
from asymptotics.networks.pruning import MEASURES
from asymptotics.results import NetworkSweep

ETA = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
RULES = np.array(["magnitude", "hessian"])[:, None]
SMALL = Teacher(features=4, test_samples=100)


@pytest.fixture(scope="module")
def found() -> NetworkSweep:
    """The setting of the bundled example, with fewer runs."""
    return sweep(ETA, rule=RULES, trials=2, workers=1)


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


@pytest.mark.parametrize("rule", ["magnitude", "hessian", "random"])
def test_rows_do_not_depend_on_what_else_is_asked(rule: str) -> None:
    """Nor where scores tie: most neurons are dead on so few samples."""
    rules = np.array(list(MEASURES))[:, None, None]
    all_of_it = sweep([0.5, 3.0], [[0.3], [0.7]], rules, **TIED)  # type: ignore[arg-type]
    alone = sweep(3.0, 0.7, rule, **TIED)  # type: ignore[arg-type]
    place = list(MEASURES).index(rule), 1, 1
    assert alone.test_error == all_of_it.test_error[place]
    assert alone.unpruned_error == all_of_it.unpruned_error[place]


TIED = {"width": 20, "samples": 3, "task": SMALL, "trials": 3, "steps": 30, "workers": 1}


def test_runs_share_their_draws_over_the_grid() -> None:
    """Without weights all networks say 0: what is left is the draw of the task alone."""
    found = sweep([0.5, 3.0], 0.0, width=[[6], [8]], samples=30, task=SMALL, trials=3, workers=1)
    assert np.ptp(found.test_error) == 0
    assert np.ptp(found.test_error_se) == 0 < found.test_error_se.max()


def test_a_store_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs.db"
    seen: list[tuple[int, int]] = []
    few = small(trials=2, store=path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4, 4)
    assert few.trials.max() == 2
    more = small(trials=3, store=path)
    assert columns(more) == columns(small(trials=3))

    def never(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("asymptotics.networks.experiment.gradient_descent", never)
    assert columns(small(store=path)) == columns(more)
    with pytest.raises(AssertionError, match="trained again"):
        small(trials=4, store=path)


@pytest.mark.linux
def test_killed_and_resumed(tmp_path: Path) -> None:
    """What was written stays, and the numbers are those of a run that was let alone."""
    script, path = tmp_path / "script.py", tmp_path / "runs.db"
    script.write_text(
        "from asymptotics.networks import Teacher, sweep\n"
        "sweep([0.5, 3.0], [[0.3], [0.7]], width=6, samples=30, steps=60, workers=1,\n"
        f"      task=Teacher(features=4, test_samples=100), trials=10**5, store={str(path)!r})\n"
    )
    with subprocess.Popen([sys.executable, script]) as process:
        while not (path.exists() and path.stat().st_size > 20_000):
            assert process.poll() is None
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    with sqlite3.connect(path) as database:
        stored = database.execute("select count(*) from trials").fetchone()[0]
    database.close()
    assert 10 <= stored < 2 * 10**5
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
        ({"antisymmetric": "no"}, "antisymmetric = 'no'"),
        ({"rule": "obs", "width": 256}, "weights = 5120: must be at most 5000"),
        ({"width": 10**6, "samples": 10**6}, "samples = 1000000: needs .* GB"),
        ({"task": Digits(), "samples": 1797}, "samples = 1797: must be .* to 1,787"),
    ],
)
def test_bad_input_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        sweep(**{"eta": 1.0, "workers": 1, **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"features": 0}, "features = 0"),
        ({"test_samples": 1}, "test_samples = 1"),
        ({"sigma": -1}, "sigma = -1"),
        ({"neurons": 1.5}, "neurons"),
    ],
)
def test_tasks_are_checked(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Teacher(**settings)  # type: ignore[arg-type]


def test_the_teacher_is_what_it_says() -> None:
    """Each of k neurons has E[y²] = |a|²/2 and variance |a|²(1/2 - 1/2π), where E|a|² = 1."""
    variances = [
        np.var(Teacher(sigma=sigma).draw(100, seed).test_targets)
        for sigma in (0.0, 2.0)
        for seed in range(40)
    ]
    without, noisy = np.mean(np.reshape(variances, (2, 40)), axis=1)
    assert without == pytest.approx(4 * (0.5 - 0.5 / np.pi), rel=0.08)
    assert noisy - without == pytest.approx(4, rel=0.05)
    data = Teacher().draw(100, 0)
    assert data.inputs.shape == (100, 20)
    assert data.test_inputs.shape == (5000, 20)
    assert data.targets.mean() == pytest.approx(0, abs=1e-12)


def test_digits_are_odd_or_even() -> None:
    from sklearn.datasets import load_digits

    _, digits = load_digits(return_X_y=True)
    data = Digits().draw(1000, 3)
    assert np.mean(data.inputs**2) == pytest.approx(1)
    np.testing.assert_allclose(data.inputs.mean(axis=0), 0, atol=1e-12)
    order = np.random.default_rng(3).permutation(1797)
    odd = digits[order] % 2 == 1
    assert (np.concatenate([data.targets, data.test_targets]) > 0).tolist() == odd.tolist()
    assert len(data.test_targets) == 797


def test_the_least_task_that_is_allowed_runs() -> None:
    least = sweep(1.0, width=2, samples=1787, task=Digits(), trials=1, steps=1, workers=1)
    assert np.isfinite(least.test_error)
    fewest = Teacher(features=1, neurons=1, test_samples=10)
    assert sweep(1.0, width=2, samples=1, task=fewest, trials=3, steps=1, workers=1).status == "ok"


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
