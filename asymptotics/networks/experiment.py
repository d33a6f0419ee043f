"""One run of the experiment: draw a task, train a network from a scaled start, prune it."""

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

#: Goes up when the same seed gives other numbers than before.
VERSION = 1
#: What a run says of the trained network, and of each way to prune it.  Errors are mean squared
#: errors on the test sample, divided by the variance of its targets.
WHOLE = (
    "unpruned_error",
    "magnitude_hidden",
    "magnitude_output",
    "restored_hidden",
    "restored_output",
    "converged",
)
PRUNED = ("test_error", "kept_hidden", "kept_output")
#: Seconds of a step, and of it for each weight and sample.
_STEP, _PRODUCT = 2e-5, 3e-10


@dataclass(frozen=True)
class Recipe:
    """What is the same over a sweep; raises `InvalidInput` for a value out of place."""

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
    """Training and pruning of a two-layer network in one setting."""

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
        # What was measured by other formulas is not taken from a store.
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
        return self.recipe.steps * (_STEP + _PRODUCT * size)

    @property
    def memory(self) -> float:
        """Bytes that a trial needs, roughly."""
        samples = self.samples + self.recipe.task.tested(self.samples)
        features = self.recipe.task.features
        return 8.0 * (samples * (3 * features + 6 * self.width) + 6 * self.width * features)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(WHOLE) + len(PRUNED) * len(self.rules) * len(self.alphas),)

    def trial(self, rng: np.random.Generator) -> Array:
        """`WHOLE`, and `PRUNED` for each rule and alpha; not numbers if training diverges."""
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
        """What trials, along the first axis, say of one way to prune, by name."""
        place = self.rules.index(rule), self.alphas.index(alpha)
        shape = (-1, len(self.rules), len(self.alphas), len(PRUNED))
        unpruned, pruned = np.split(outcomes, [len(WHOLE)], axis=1)
        columns = (*unpruned.T, *pruned.reshape(shape)[:, *place].T)
        return dict(zip((*WHOLE, *PRUNED), columns, strict=True))

    def _pruned(self, network: TwoLayer, data: Data, rng: np.random.Generator) -> Array:
        """Each rule and alpha draws from a stream of its own, whatever else is asked."""
        outcome = np.empty((len(self.rules), len(self.alphas), len(PRUNED)))
        child = int(rng.integers(1 << 62))
        for place, rule in enumerate(self.rules):
            key = [child, *rule.encode()]
            scores = MEASURES[rule](network, data.inputs, data.targets, np.random.default_rng(key))
            for column, alpha in enumerate(self.alphas):
                ties = np.random.default_rng([*key, int(np.float64(alpha).view(np.uint64))])
                pruned = prune(network, SCOPES[self.recipe.scope](scores, alpha, ties))
                outcome[place, column] = _error(pruned.network, data), *pruned.share
        return outcome


def _error(network: TwoLayer, data: Data) -> float:
    return mean_squared_error(network, data.test_inputs, data.test_targets) / _variance(data)


def _restored(network: TwoLayer, start: TwoLayer, data: Data) -> Array:
    costs = restored(network, start, data.test_inputs, data.test_targets)
    return np.array(costs) / _variance(data)


def _variance(data: Data) -> float:
    variance = float(np.var(data.test_targets))
    if variance == 0:
        raise NoConvergence("all targets to test on are equal: take more test samples")
    return variance
