"""Environment variables, and the start of Keras and its backend without their start-up lines."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path


def cache_root() -> Path:
    """Return the cache folder: `$ZOO_CACHE`, or `zoo` in the user's cache folder."""
    given = os.environ.get("ZOO_CACHE")
    if given:
        return Path(given).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "zoo"


def is_set(variable: str) -> bool:
    """Return whether an environment variable is there and not empty."""
    return bool(os.environ.get(variable))


def environment_with(**variables: str) -> dict[str, str]:
    """Return the environment of this process with other variables, for another process."""
    return {**os.environ, **variables}


def choose_backend(name: str) -> None:
    """Have Keras start on a backend, unless it is imported already."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = name


def disable_telemetry() -> None:
    """Keep onnxruntime from writing a device id and reporting to its vendor, as 1.31 and later do.

    It has to be called before the import of onnxruntime, or of tf2onnx, which imports it.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


@contextmanager
def quiet_startup() -> Iterator[None]:
    """Hold back what native code writes to standard error; show it only if the block fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        saved = os.dup(2)
    except OSError:  # no standard error to guard
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            os.dup2(saved, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)


def import_keras() -> None:
    """Import Keras, without its backend's start-up lines; the backend's devices can still be set."""
    if "keras" in sys.modules:
        return
    with quiet_startup():
        import keras  # noqa: F401

        logging.getLogger("absl").setLevel(logging.ERROR)


@cache
def start_keras(cpu_devices: int = 1) -> None:
    """Import Keras and start its backend, without their start-up lines.

    Args:
        cpu_devices: number of logical CPU devices to create, where the backend has not been started yet.
    """
    import_keras()
    with quiet_startup():
        import keras

        if cpu_devices > 1:
            with suppress(RuntimeError):  # it has been started
                _create_cpu_devices(keras.backend.backend(), cpu_devices)
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            tf.get_logger().setLevel(logging.ERROR)
            tf.constant(0)  # the first operation writes its own lines


def _create_cpu_devices(backend: str, count: int) -> None:
    if backend == "tensorflow":
        import tensorflow as tf

        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    elif backend == "jax":
        import jax

        jax.config.update("jax_num_cpu_devices", count)
