"""Data-parallel training: each device computes a part of every batch, and all hold the same weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras

from zoo.backend.layers import flatten_layers
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.recipe.schema import Recipe

_PAIRWISE_LOSSES = ("nt_xent", "supcon", "contrastive", "triplet", "dino")  # compare the examples of a batch


@dataclass(frozen=True)
class Devices:
    """The devices that a run trains on.

    TensorFlow uses `tf.distribute.MirroredStrategy` over the devices of one machine. JAX uses
    `keras.distribution.DataParallel` over the devices of one machine or of several processes
    (`zoo.backend.processes`). Batches, their order, their augmentation and the loss are those of one device, up to
    rounding and dropout masks.

    Attributes:
        count: number of devices, those of other processes included.
        scope: context to build, compile and fit the trained model in.
        callbacks: callbacks to add to training.
        part: number of this process and count of processes; it reads that part of each batch.
        prepare: function to call on the trained model after it is built.
    """

    count: int = 1
    scope: Callable[[], AbstractContextManager[Any]] = nullcontext
    callbacks: tuple[keras.callbacks.Callback, ...] = ()
    part: tuple[int, int] = (0, 1)
    prepare: Callable[[keras.Model], None] = lambda model: None

    @property
    def first(self) -> bool:
        """Whether this process writes the run folder."""
        return self.part[0] == 0


@contextmanager
def one_device() -> Iterator[None]:
    """Compute on one device within the block, for samples and monitoring during training."""
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def devices_for(recipe: Recipe) -> Devices:
    """Return the devices that a recipe asks for.

    Raises:
        ZooError: there are fewer, the batch cannot be shared among them, or the loss cannot on this backend.
    """
    settings, backend = recipe.training.distribution, keras.backend.backend()
    processes = _processes()
    if settings is None and processes[1] == 1:
        return Devices()
    wanted = "all" if settings is None else settings.devices
    found = _found()
    here = len(found) // processes[1]
    if wanted != "all" and wanted > here:
        raise ZooError(
            f"training.distribution.devices is {wanted}, and {backend} finds {here} here: {', '.join(found[:here])}"
        )
    if wanted != "all" and processes[1] > 1 and wanted < here:
        raise ZooError(
            f"training.distribution.devices is {wanted}, and each process has {here}: with several processes all are "
            "used; show them fewer, for instance by CUDA_VISIBLE_DEVICES"
        )
    used = found if wanted == "all" or processes[1] > 1 else found[:wanted]
    size = recipe.training.batch_size
    if size % len(used):
        raise ZooError(f"training.batch_size is {size}, which {len(used)} devices cannot share: take a multiple")
    if len(used) == 1:
        return Devices()
    if backend == "tensorflow":
        return _mirrored(recipe, used)
    return _data_parallel(used, processes)


def _processes() -> tuple[int, int]:
    """Return the number of this process and the count of processes."""
    if keras.backend.backend() != "jax":
        return 0, 1
    import jax

    return jax.process_index(), jax.process_count()


def _found() -> list[str]:
    """Return the names of the accelerators of all processes or, where there is none, of the CPU devices."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        kinds = (tf.config.list_logical_devices(kind) for kind in ("GPU", "CPU"))
        return next([device.name for device in kind] for kind in kinds if kind)
    if keras.backend.backend() == "jax":
        return list(keras.distribution.list_devices())
    raise ZooError(f"training.distribution: {keras.backend.backend()} has one device; tensorflow and jax take several")


# === TensorFlow ===


def _mirrored(recipe: Recipe, names: list[str]) -> Devices:
    import tensorflow as tf

    if recipe.loss.name in _PAIRWISE_LOSSES:
        raise ZooError(
            f"training.distribution: the loss {recipe.loss.name} compares all examples of a batch, which TensorFlow's "
            "devices do not see; JAX's do: KERAS_BACKEND=jax"
        )
    if recipe.training.steps_per_execution not in ("auto", 1):
        raise ZooError(
            "training.distribution: TensorFlow's devices take one step a call; leave steps_per_execution out"
        )
    # between CPU devices, collective operations are slow and clash in the second run of a process
    reduction = tf.distribute.ReductionToOneDevice() if "CPU" in names[0] else None
    strategy = tf.distribute.MirroredStrategy(names, reduction)
    return Devices(len(names), strategy.scope, prepare=_synchronize)


def _synchronize(model: keras.Model) -> None:
    """Make batch normalization use the statistics of the whole batch."""
    for layer in flatten_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


# === JAX ===


class _WholeInTest(keras.callbacks.Callback):
    """Give each device the whole validation batches: the last may have any size."""

    def __init__(self, distribution: Any) -> None:
        super().__init__()
        self.distribution = distribution

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Stop sharing."""
        self.distribution.whole = True

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Share again."""
        self.distribution.whole = False


def _data_parallel(names: list[str], part: tuple[int, int]) -> Devices:
    class DataParallel(keras.distribution.DataParallel):
        whole = False

        def get_data_layout(self, data_shape: Any) -> Any:
            if not self.whole:
                return super().get_data_layout(data_shape)
            return keras.distribution.TensorLayout([None] * len(data_shape), self.device_mesh)

    distribution = DataParallel(devices=names, auto_shard_dataset=False)
    return Devices(len(names), distribution.scope, (_WholeInTest(distribution),), part)
