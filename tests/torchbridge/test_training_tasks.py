"""What training tasks minimise and log, and that Lightning's options work with them."""

from functools import partial
from typing import Any, cast

import lightning.pytorch as L
import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import Logger
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy

import odeanalysis as oda
from odeanalysis.errors import ModelError
from tests.torchbridge.training_processes import Caught
from tests.torchbridge.training_runs import Classifier, trainer
from torchbridge import Backsolve, Checkpointed, ContinuousAdjoint, Direct, DiscreteAdjoint, NeuralODE, StatedODE
from torchbridge.training import NFE, ObjectiveTask, SeededSteps, SupervisedTask, TensorData, two_moons

pytestmark = [pytest.mark.xdist_group("training"), pytest.mark.filterwarnings("ignore")]
SGD = partial(torch.optim.SGD, lr=0.1)


def field() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 2))


def classifier(**options: Any) -> nn.Sequential:
    flow = NeuralODE(field(), **{"method": "rk4", "steps": 3, **options})
    return nn.Sequential(flow, nn.Linear(2, 2))


def moons(count: int = 40, **options: Any) -> TensorData:
    return TensorData(two_moons(count, np.random.default_rng(1)), **{"batch_size": 8, "split": (0.6, 0.2, 0.2), **options})


class Logged(Logger):
    """What a logger is told of the steps of training."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[dict[str, float]] = []

    @property
    def name(self) -> str:
        return "logged"

    @property
    def version(self) -> int:
        return 0

    @property
    def losses(self) -> list[float]:
        return [step["train_loss"] for step in self.steps]

    def log_hyperparams(self, *arguments: Any, **options: Any) -> None:
        """None are asked for."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        if any(name.startswith("train") for name in metrics):
            self.steps.append({name: value for name, value in metrics.items() if name != "epoch"})


def logging(logged: Logged, **options: Any) -> L.Trainer:
    return trainer(logger=logged, log_every_n_steps=1, **options)


def pair(tensors: Any) -> tuple[Tensor, Tensor]:
    return tensors


# ---------------------------------------------------------------- values and metrics


def test_losses_and_metrics_are_those_of_the_data():
    """Of a batch in training, of all samples in validation and test: against sums written out here."""
    seen: list[float] = []

    def loss(logits: Tensor, y: Tensor) -> Tensor:
        value = nn.functional.cross_entropy(logits, y)
        seen.append(value.item())
        return value

    task = SupervisedTask(classifier(), loss, metrics={"accuracy": MulticlassAccuracy(2, average="micro")})
    data, logged = moons(), Logged()
    fitted = logging(logged, max_epochs=2)
    fitted.fit(task, datamodule=data)
    for stage, part, metrics in (("val", 1, fitted.callback_metrics), ("test", 2, fitted.test(task, datamodule=data, verbose=False)[0])):
        x, y = pair(data.parts[part])
        with torch.no_grad():
            logits = task(x)
        assert float(metrics[f"{stage}_loss"]) == pytest.approx(nn.functional.cross_entropy(logits, y).item(), rel=1e-5)
        assert float(metrics[f"{stage}_accuracy"]) == pytest.approx((logits.argmax(1) == y).float().mean().item())
    assert logged.losses == [*seen[:3], *seen[4:7]]
    assert not any(one.update_called for one in cast(MetricCollection, task.metrics["train_"]).values())  # nothing piles up
    assert all((8 * step["train_accuracy"]) % 1 == 0 for step in logged.steps)


def test_a_loss_without_targets_sees_the_output_alone():
    seen = []
    task = SupervisedTask(classifier(), lambda output: seen.append(output.shape) or output.square().mean())
    trainer(max_epochs=1).fit(task, datamodule=TensorData(torch.zeros(16, 2), 8, split=(16, 0, 0)))
    assert seen == [(8, 2)] * 2


def test_loaders_of_ones_own_and_networks_without_a_neural_ode_are_trained():
    data = DataLoader(TensorDataset(torch.randn(12, 2), torch.randn(12, 2)), 4)
    logged = Logged()
    logging(logged, max_epochs=1).fit(SupervisedTask(nn.Linear(2, 2), nn.functional.mse_loss), data)
    assert len(logged.steps) == 3 and set(logged.steps[0]) == {"train_loss"}


def stated() -> StatedODE:
    z, x, seen, W = oda.block("z", 2), oda.block("x", 2), oda.block("seen", 2), oda.block("W", 2, 2)
    observed = oda.Observation((0.5, 1), oda.sumsq(z - seen), (seen,))
    model = oda.Model({z: oda.tanh(W @ z)}, {z: x}, (0, 1), [W], [x])
    return StatedODE(oda.Problem(model, oda.Objective(running=oda.sumsq(z) / 10, observations=(observed,))), method="rk4", steps=4)


def test_a_stated_problem_is_trained_on_its_own_objective():
    """By name, with observation data; evaluations are counted there, too."""
    torch.manual_seed(2)
    data = {"x": torch.randn(16, 2), "seen": torch.randn(16, 2, 2)}
    module, logged = stated(), Logged()
    before = module.loss(**data).item()
    logging(logged, max_epochs=20).fit(ObjectiveTask(module, optimizer=SGD), datamodule=TensorData(data, 16, split=(16, 0, 0)))
    assert logged.losses[0] == pytest.approx(before, rel=1e-6) and logged.losses[-1] < 0.95 * before
    assert module.loss(**data).item() == pytest.approx(logged.losses[-1], rel=0.02)
    # of 4 steps with 4 stages; the observation at 0.5 lies on one of them
    assert {(step["train_nfe_forward"], step["train_nfe_backward"]) for step in logged.steps} == {(16, 16)}


# ---------------------------------------------------------------- function evaluations

WAYS = {
    "discrete": {"sensitivity": DiscreteAdjoint()},
    "fixed steps": {"method": "rk4", "steps": 5},
    "checkpointed": {"sensitivity": DiscreteAdjoint(Checkpointed()), "method": "rk4", "steps": 5},
    "another pair": {"method": "bosh3"},
    "continuous": {"sensitivity": ContinuousAdjoint()},
    "backsolve": {"sensitivity": Backsolve()},
    "direct": {"sensitivity": Direct()},
}


class Counter(L.Callback):
    """Calls of a module in every step, on the way forward and on the way back."""

    def __init__(self, module: nn.Module):
        self.calls, self.steps, self.way = [0, 0], [], 0
        module.register_forward_hook(self._called)

    def _called(self, *_: Any) -> None:
        self.calls[self.way] += 1

    def on_train_batch_start(self, *_: Any) -> None:
        self.calls, self.way = [0, 0], 0

    def on_before_backward(self, *_: Any) -> None:
        self.way = 1

    def on_train_batch_end(self, *_: Any) -> None:
        self.steps.append(tuple(self.calls))


@pytest.mark.parametrize("way", WAYS)
def test_evaluations_of_a_field_are_counted(way):
    """As its own hook counts them. The first step has one more: a field is looked at once before it is used."""
    options = {"method": "tsit5", "steps": None, "rtol": 1e-3, **WAYS[way]}
    network, logged = classifier(**options), Logged()
    flow = network[0]
    assert isinstance(flow, NeuralODE)
    before, counter = flow.solver, Counter(flow.get_submodule("field"))
    logging(logged, max_epochs=1, callbacks=[counter]).fit(SupervisedTask(network, nn.functional.cross_entropy), datamodule=moons())
    told = [(step["train_nfe_forward"], step["train_nfe_backward"]) for step in logged.steps]
    assert told[1:] == counter.steps[1:] and told[0] == (counter.steps[0][0] - 1, counter.steps[0][1])
    assert flow.solver is before
    assert (told[0][1] > 0) == (way != "direct")


def test_evaluations_of_validation_and_of_several_solves_are_counted():
    network = nn.Sequential(classifier(), NeuralODE(field(), method="euler", steps=7))
    fitted, task = trainer(max_epochs=1), SupervisedTask(network, nn.functional.cross_entropy)
    fitted.fit(task, datamodule=moons())
    assert float(fitted.callback_metrics["val_nfe_forward"]) == 3 * 4 + 7
    assert fitted.test(task, datamodule=moons(), verbose=False)[0]["test_nfe_forward"] == 3 * 4 + 7


def test_callbacks_go_with_modules_of_ones_own():
    class Own(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = classifier()

        def training_step(self, batch: Any, batch_idx: int) -> Tensor:
            return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return SGD(self.parameters())

    logged = Logged()
    logging(logged, max_epochs=1, callbacks=[NFE(), SeededSteps(3)], limit_val_batches=0).fit(Own(), datamodule=moons())
    assert logged.steps[-1] == {"train_nfe_forward": 12, "train_nfe_backward": 12}


# ---------------------------------------------------------------- random numbers


def noisy(seed: int, generator: torch.Generator | None = None) -> list[float]:
    torch.manual_seed(0)
    task = SupervisedTask(Classifier(generator), lambda output: output[1].mean(), seed=seed, optimizer=partial(SGD, lr=0.0))
    logged = Logged()
    torch.manual_seed(seed + 100)
    logging(logged, max_epochs=2).fit(task, datamodule=TensorData(torch.zeros(16, 2), 8, split=(8, 8, 0), shuffle=False))
    return logged.losses


def test_random_numbers_are_those_of_the_seed_the_epoch_and_the_place():
    own = torch.Generator()
    own.manual_seed(9)
    for generator in (None, own):
        first, again, other = noisy(1, generator), noisy(1, generator), noisy(2, generator)
        assert first == again and not set(first) & set(other) and first[0] != first[1]


def test_a_validation_draws_the_same_each_time():
    seen: list[float] = []

    class Values(L.Callback):
        def on_validation_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any) -> None:
            seen.append(float(outputs))

    task = SupervisedTask(Classifier(), lambda output, y: output[1].mean(), optimizer=partial(SGD, lr=0.0))
    trainer(max_epochs=2, callbacks=[Values()]).fit(task, datamodule=moons(80))
    assert seen[:2] == seen[2:] and seen[0] != seen[1]


# ---------------------------------------------------------------- Lightning's options


@pytest.mark.parametrize(
    ("options", "rates"), [({}, [0.1, 0.1, 0.1, 0.05]), ({"schedule": {"interval": "step"}}, [0.1, 0.05, 0.025, 0.0125])]
)
def test_schedules_move_by_epochs_or_steps(options, rates):
    seen: list[float] = []

    class Rates(L.Callback):
        def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
            seen.append(trainer.optimizers[0].param_groups[0]["lr"])

    halved = partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5)
    task = SupervisedTask(classifier(), nn.functional.cross_entropy, optimizer=SGD, scheduler=halved, **options)
    trainer(max_epochs=2, callbacks=[Rates()]).fit(task, datamodule=moons())
    assert seen[:4] == rates


@pytest.mark.parametrize("precision", ["32", "64", "bf16-mixed"])
def test_precision_is_lightnings(precision):
    """The layers around a flow are computed in it, and a flow under autocast in that of its parameters."""
    seen: list[torch.dtype] = []
    network, logged = nn.Sequential(nn.Linear(2, 2), classifier(sensitivity=DiscreteAdjoint())), Logged()
    network[1].register_forward_hook(lambda module, given, found: seen.extend((given[0].dtype, found.dtype)))
    logging(logged, max_epochs=4, precision=precision).fit(
        SupervisedTask(network, nn.functional.cross_entropy, optimizer=SGD), datamodule=moons()
    )
    expected = {"32": torch.float32, "64": torch.float64, "bf16-mixed": torch.bfloat16}[precision]
    assert set(seen) == {expected} and logged.losses[-1] < logged.losses[0]


def test_gradients_are_clipped():
    sizes: list[float] = []

    class Sizes(L.Callback):
        def on_before_zero_grad(self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: Any) -> None:
            slopes = [one.grad for one in pl_module.parameters() if one.grad is not None]
            sizes.extend([torch.cat([one.flatten() for one in slopes]).norm().item()] if slopes else [])

    trainer(max_epochs=2, gradient_clip_val=1e-3, callbacks=[Sizes()]).fit(
        SupervisedTask(classifier(), nn.functional.cross_entropy, optimizer=SGD), datamodule=moons()
    )
    assert sizes == pytest.approx([1e-3] * len(sizes), rel=1e-3) and len(sizes) == 4


def test_accumulated_gradients_are_those_of_the_whole_batch():
    found = []
    for size, accumulated in ((12, 1), (4, 3)):
        caught, task = Caught(), SupervisedTask(classifier(), nn.functional.cross_entropy, optimizer=SGD)
        data = moons(24, batch_size=size, split=(24, 0, 0))
        trainer(max_epochs=2, accumulate_grad_batches=accumulated, precision="64-true", callbacks=[caught]).fit(task, datamodule=data)
        found.append(caught)
    whole, parts = found
    assert len(whole.gradients) == len(parts.gradients) == 4
    for one, other in zip([*whole.gradients, whole.parameters], [*parts.gradients, parts.parameters], strict=True):
        assert max(float((one[name] - other[name]).abs().max()) for name in one) < 1e-14


# ---------------------------------------------------------------- bad input

BAD = {
    "a loss of several numbers": (lambda output, y: (output - 1).square(), r"the loss has shape \(8, 2\); give one number, as its mean"),
    "a loss that is no tensor": (lambda output, y: 3.0, "the loss is float; give a tensor with one number"),
}


@pytest.mark.parametrize("case", BAD)
def test_losses_that_are_not_one_number_are_refused(case):
    loss, message = BAD[case]
    with pytest.raises(ModelError, match=message):
        trainer(max_epochs=1).fit(SupervisedTask(classifier(), loss), datamodule=moons())


def test_an_objective_task_takes_what_has_an_objective():
    with pytest.raises(ModelError, match="an ObjectiveTask takes a neural ODE of a stated problem, got FieldODE; see SupervisedTask"):
        ObjectiveTask(cast(StatedODE, NeuralODE(field())))
