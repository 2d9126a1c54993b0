"""Files of weights: what they hold is read, and nothing of what they would do is done."""

import io
import os
import pickle
import struct
import zipfile
import zlib
from collections import OrderedDict

import numpy as np
import pytest
from safetensors.numpy import save_file

import zoo
from zoo import ZooError
from zoo.pretrained.load import load_weights
from zoo.pretrained.tensor_files import read_tensors, read_values

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class Named:
    """What a pickle mentions by a name, with what it is called with."""

    def __init__(self, module, name, *arguments):
        self.module, self.name, self.arguments = module, name, arguments


class Writer(pickle._Pickler):
    """A pickler in Python that writes names of modules that are not here, and storages as PyTorch does."""

    def save(self, each, *arguments, **options):
        if isinstance(each, Named):
            self.write(f"c{each.module}\n{each.name}\n".encode())
            if each.arguments:
                self.save(each.arguments[0])
                self.write(pickle.REDUCE)
            return
        super().save(each, *arguments, **options)

    def persistent_id(self, each):
        return each.key if isinstance(each, Storage) else None


class Storage:
    def __init__(self, values, key):
        kind = {"float32": "FloatStorage", "int64": "LongStorage", "float16": "HalfStorage"}[values.dtype.name]
        self.key = ("storage", Named("torch", kind), key, "cpu", values.size)


def pickled(state, protocol=2):
    stream = io.BytesIO()
    Writer(stream, protocol).dump(state)
    return stream.getvalue()


def state_of(arrays, **wrong):
    state = OrderedDict()
    for i, (name, values) in enumerate(arrays.items()):
        strides = tuple(s // values.itemsize for s in values.strides)
        shape = wrong.get("shape", values.shape)
        call = (Storage(values, str(i)), wrong.get("offset", 0), shape, strides, False, OrderedDict())
        state[name] = Named("torch._utils", "_rebuild_tensor_v2", call)
    return state


def write_zip(path, content, arrays, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("x/data.pkl", content)
        for i, values in enumerate(arrays.values()):
            archive.writestr(f"x/data/{i}", values.tobytes("A"))
    return path


def write_older(path, content, arrays):
    parts = [pickle.dumps(MAGIC, 2), pickle.dumps(PROTOCOL, 2), pickle.dumps({"little_endian": True}, 2), content]
    parts.append(pickle.dumps([str(i) for i in range(len(arrays))], 2))
    parts += [struct.pack("<q", values.size) + values.tobytes("A") for values in arrays.values()]
    path.write_bytes(b"".join(parts))
    return path


ARRAYS = {
    "a.weight": np.arange(6, dtype="float32").reshape(2, 3),
    "a.turned": np.arange(6, dtype="float16").reshape(2, 3).T,
    "steps": np.array(7),
}


@pytest.mark.parametrize("write", [write_zip, write_older])
@pytest.mark.parametrize("nested", [False, True])
def test_the_tensors_of_a_pth_file_are_read(write, nested, tmp_path):
    state = state_of(ARRAYS)
    path = write(tmp_path / "x.pth", pickled({"epoch": 3, "state_dict": state} if nested else state), ARRAYS)
    tensors = read_tensors(path)
    assert list(tensors) == list(ARRAYS)
    for name, values in ARRAYS.items():
        found = read_values(path, name, tensors[name])
        np.testing.assert_array_equal(found, values)
        assert found.dtype == (np.int64 if name == "steps" else np.float32)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_other_files_hold_the_same(suffix, tmp_path):
    arrays = {name: np.ascontiguousarray(values) for name, values in ARRAYS.items()}
    path = tmp_path / f"x{suffix}"
    np.savez(path, **arrays) if suffix == ".npz" else save_file(arrays, path)
    tensors = read_tensors(path)
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(read_values(path, name, tensors[name]), values)


class Hostile:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def hostile_pickles(marker):
    """Return pickles that would run code, in several ways."""
    command = f"touch {marker}"
    return {
        "reduce": pickle.dumps({"a": Hostile(marker)}, 2),
        "newer protocol": pickle.dumps({"a": Hostile(marker)}, 4),
        "eval": b"\x80\x02c__builtin__\neval\nX" + struct.pack("<i", len(command)) + command.encode() + b"\x85R.",
        "inst": b"(S'" + command.encode() + b"'\nios\nsystem\n.",
        "obj": b"(cos\nsystem\nS'" + command.encode() + b"'\no.",
        "attribute of torch": b"\x80\x02ctorch.storage\n_load_from_bytes\nC\x01a\x85R.",
        "dotted name": b"\x80\x04\x8c\x05torch\x8c\x10hub.load.Storage\x93C\x01a\x85R.",
        "extension": b"\x80\x02\x82\x01.",
        "call of a result": b"\x80\x02ccollections\nOrderedDict\n)R)R.",
    }


@pytest.mark.parametrize("kind", hostile_pickles(""))
@pytest.mark.parametrize("write", [write_zip, write_older])
def test_a_pth_file_runs_nothing(kind, write, tmp_path):
    marker = tmp_path / "it ran"
    path = write(tmp_path / "x.pth", hostile_pickles(marker)[kind], {})
    with pytest.raises(ZooError, match=r"not readable as weights in \.pth"):
        read_tensors(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\x80\x02}X\x01\x00\x00\x00acos\nsystem\ns.", "os.system"),
        (b"\x80\x04}\x8c\x01a\x8c\x08builtins\x8c\x04eval\x93s.", "builtins.eval"),
        (b"\x80\x02}X\x01\x00\x00\x00actorch\nload\ns.", "torch.load"),
    ],
)
def test_a_name_that_is_not_on_the_list_is_refused_though_nothing_calls_it(content, name, tmp_path):
    path = write_zip(tmp_path / "x.pth", content, {})
    with pytest.raises(ZooError, match=rf"asks for {name}"):
        read_tensors(path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shape": (2, 3, 10**9)}, "shape and strides differ"),
        ({"shape": (2000, 3000)}, "reaches beyond"),
        ({"offset": 1}, "reaches beyond"),
        ({"offset": -1}, "no list of numbers"),
    ],
)
def test_a_tensor_stays_within_its_numbers(wrong, message, tmp_path):
    arrays = {"a": ARRAYS["a.weight"]}
    path = write_zip(tmp_path / "x.pth", pickled(state_of(arrays, **wrong)), arrays)
    with pytest.raises(ZooError, match=message):
        read_tensors(path)


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    save_file({"a": np.zeros((50, 50), "float32")}, path)
    whole = path.read_bytes()
    for content in (whole[:-10], whole[:20], b"", struct.pack("<Q", 1 << 60) + whole[8:]):
        path.write_bytes(content)
        with pytest.raises(ZooError, match="not readable as weights"):
            read_tensors(path)
    older = write_older(tmp_path / "x.pth", pickled(state_of(ARRAYS)), ARRAYS)
    older.write_bytes(older.read_bytes()[:-5])
    with pytest.raises(ZooError, match="it ends too early"):
        read_tensors(older)


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    zeros = {"a": np.zeros(1 << 22, "float32")}
    path = write_zip(tmp_path / "x.pth", pickled(state_of(zeros)), zeros, zipfile.ZIP_DEFLATED)
    with pytest.raises(ZooError, match="compressed"):
        read_tensors(path)
    path = tmp_path / "x.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(1 << 24))
    with pytest.raises(ZooError, match="would unpack to 16,777,216 bytes"):
        read_tensors(path)


def test_a_bomb_in_an_npz_is_not_unpacked_where_the_network_needs_another_shape(tmp_path):
    """The header says 4 TB, and the member is as long as 4 TB of zeros would be, as far as the archive says."""
    path = tmp_path / "x.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("stem_conv/0.npy", header.getvalue() + bytes(1 << 20))
    model = zoo.build("mobilenet_v2", input_shape=(32, 32, 3), outputs=2, width=0.1)
    with pytest.raises(ZooError, match="speaks of"):
        load_weights(model, f"file:{path}")


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.array([1.0, np.nan]))
    with pytest.raises(ZooError, match="not finite"):
        read_values(path, "a", read_tensors(path)["a"])


def test_an_unknown_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps({}) + zlib.compress(b""))
    with pytest.raises(ZooError, match=r"expected a file of weights \(.*\.safetensors"):
        read_tensors(path)
