"""Training with PyTorch Lightning, which brings devices, hosts, precision, checkpoints, loggers and progress bars. Import it by its name.

SupervisedTask, ObjectiveTask    LightningModules: a network with a loss; a stated problem with its own
TensorData, DrawnData, digits    data modules whose batches can be made again
SeededSteps, NFE                 callbacks of both tasks, for other modules too: random numbers, function evaluations
resumable, WholeFiles            checkpoints of runs that may be killed
"""

from torchbridge.training.available import check_installed
from torchbridge.training.callbacks import NFE, SeededSteps
from torchbridge.training.checkpoints import WholeFiles, resumable
from torchbridge.training.data import DrawnData, TensorData, digits
from torchbridge.training.evaluations import Evaluations, counted
from torchbridge.training.generated import rings, two_moons
from torchbridge.training.objective import ObjectiveTask
from torchbridge.training.supervised import SupervisedTask
from torchbridge.training.task import Task

__all__ = [
    "NFE",
    "DrawnData",
    "Evaluations",
    "ObjectiveTask",
    "SeededSteps",
    "SupervisedTask",
    "Task",
    "TensorData",
    "WholeFiles",
    "check_installed",
    "counted",
    "digits",
    "resumable",
    "rings",
    "two_moons",
]
