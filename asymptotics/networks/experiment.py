"""The experiment of `sweep`: draw a task, train a network from a scaled start, and prune it."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arithmetic import Array
from ..domains import POSITIVE
from ..errors import InvalidInput, NoConvergence
from ..parameters import choice, flag, scalar, whole
from ..trials.experiment import Experiment
from .importance import OBS_VERSION, restored
from .network import mean_squared_error
from .pruning import MEASURES, SCOPES, prune
from .tasks import Data, Task
from .training import gradient_descent
from .two_layer import ACTIVATIONS, TwoLayer

#: Version of the trials' numbers: it rises when the same seed gives other numbers than before.
VERSION = 1
#: Numbers that a trial returns about the trained network.  Errors, and the rises of the error when
#: a layer is put back to its start (`restored`), are mean squared errors on the test sample divided
#: by the variance of its targets.
UNPRUNED = (
    "unpruned_error",
    "magnitude_hidden",
    "magnitude_output",
    "restored_hidden",
    "restored_output",
    "converged",
)
#: Numbers that a trial returns for each rule and alpha.
PRUNED = ("test_error", "kept_hidden", "kept_output")
#: Seconds that a training step takes, roughly: a fixed part, and a part for each product of a
#: weight and an input.
_SECONDS_OF_STEP, _SECONDS_OF_PRODUCT = 2e-5, 3e-10


@dataclass(frozen=True)
class Recipe:
    """The settings that are constant over a sweep; raises `InvalidInput` for wrong values."""

    task: Task
    scope: str
    activation: str
    antisymmetric: bool
    steps: int
    step: float

    def __post_init__(self) -> None:
        if not isinstance(self.task, Task):
            raise InvalidInput("task", self.task, "must be a Task")
        object.__setattr__(self, "antisymmetric", flag("antisymmetric", self.antisymmetric))
        choice("scope", self.scope, SCOPES)
        choice("activation", self.activation, ACTIVATIONS)
        object.__setattr__(self, "steps", whole("steps", self.steps))
        object.__setattr__(self, "step", float(scalar("step", self.step, POSITIVE)))


@dataclass(frozen=True)
class NetworkExperiment(Experiment):
    """Training of a two-layer network in one setting, and pruning by several rules and alphas."""

    recipe: Recipe
    eta: float
    width: int
    samples: int
    alphas: tuple[float, ...]
    rules: tuple[str, ...]

    @cached_property
    def description(self) -> dict[str, Any]:
        recipe = {key: value for key, value in asdict(self.recipe).items() if key != "task"}
        own = {key: value for key, value in asdict(self).items() if key != "recipe"}
        # A store must not return scores that an older formula of OBS gave.
        measures = {"obs": OBS_VERSION} if "obs" in self.rules else {}
        return self.drawn | recipe | own | measures | {"experiment": "network"}

    @property
    def drawn(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "task": self.recipe.task.name,
            "settings": asdict(self.recipe.task),
            "samples": self.samples,
        }

    @property
    def cost(self) -> float:
        size = self.width * self.recipe.task.features * self.samples
        return self.recipe.steps * (_SECONDS_OF_STEP + _SECONDS_OF_PRODUCT * size)

    @property
    def memory(self) -> float:
        """Estimate of the bytes of memory that a trial needs."""
        # Copies of the inputs, activities of all samples, and arrays of the size of the weights.
        samples = self.samples + self.recipe.task.tested(self.samples)
        features = self.recipe.task.features
        return 8.0 * (samples * (3 * features + 6 * self.width) + 6 * self.width * features)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(UNPRUNED) + len(PRUNED) * len(self.rules) * len(self.alphas),)

    def trial(self, rng: np.random.Generator) -> Array:
        """`UNPRUNED`, then `PRUNED` for each rule and alpha; all NaN if training diverges."""
        recipe = self.recipe
        data = recipe.task.draw(self.samples, rng)
        features, kind = recipe.task.features, (recipe.antisymmetric, recipe.activation)
        start = TwoLayer.random(self.width, features, rng, *kind).rescaled(self.eta)
        trained = gradient_descent(start, data.inputs, data.targets, recipe.steps, recipe.step)
        if trained.status == "diverged":
            return np.full(self.shape, np.nan)
        unpruned = np.array(
            [
                _error(trained.network, data),
                *(float(abs(layer).mean()) for layer in trained.network.weights),
                *_restored(trained.network, start, data),
                trained.status == "converged",
            ]
        )
        return np.concatenate([unpruned, self._pruned(trained.network, data, rng).ravel()])

    def named(self, outcomes: Array, rule: str, alpha: float) -> dict[str, Array]:
        """The columns of outcomes for one rule and alpha, by name; trials along the first axis."""
        place = self.rules.index(rule), self.alphas.index(alpha)
        shape = (-1, len(self.rules), len(self.alphas), len(PRUNED))
        unpruned, pruned = np.split(outcomes, [len(UNPRUNED)], axis=1)
        columns = (*unpruned.T, *pruned.reshape(shape)[:, *place].T)
        return dict(zip((*UNPRUNED, *PRUNED), columns, strict=True))

    def _pruned(self, network: TwoLayer, data: Data, rng: np.random.Generator) -> Array:
        """`PRUNED` for each rule and alpha, of shape (rules, alphas, 3).

        Each rule and alpha has a random stream of its own, so that its numbers do not depend on
        which others are in the experiment.
        """
        outcome = np.empty((len(self.rules), len(self.alphas), len(PRUNED)))
        # A seed from the trial's own stream: the streams below differ from trial to trial.
        child = int(rng.integers(1 << 62))
        for place, rule in enumerate(self.rules):
            key = [child, *rule.encode()]
            scores = MEASURES[rule](network, data.inputs, data.targets, np.random.default_rng(key))
            for column, alpha in enumerate(self.alphas):
                # The bits of alpha as a whole number: seeds cannot be floats.
                ties = np.random.default_rng([*key, int(np.float64(alpha).view(np.uint64))])
                pruned = prune(network, SCOPES[self.recipe.scope](scores, alpha, ties))
                outcome[place, column] = _error(pruned.network, data), *pruned.share
        return outcome


def _error(network: TwoLayer, data: Data) -> float:
    """Mean squared error on the test sample, divided by the variance of its targets."""
    return mean_squared_error(network, data.test_inputs, data.test_targets) / _target_variance(data)


def _restored(network: TwoLayer, start: TwoLayer, data: Data) -> Array:
    """Rises of the test error when either layer is put back to its start, in the same units."""
    costs = restored(network, start, data.test_inputs, data.test_targets)
    return np.array(costs) / _target_variance(data)


def _target_variance(data: Data) -> float:
    """Variance of the test targets; raises `NoConvergence` if it is 0."""
    variance = float(np.var(data.test_targets))
    if variance == 0:
        raise NoConvergence("all targets to test on are equal: take more test samples")
    return variance
