"""Inputs and outputs of a graph in other forms: all numbers as one tensor, and no texts for runtimes without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from onnx import TensorProto, helper

from zoo.data.input_names import RESERVED
from zoo.errors import ZooError
from zoo.serving.tensor_forms import TensorForm

if TYPE_CHECKING:
    import onnx

    from zoo.data.dataset import Signature
    from zoo.recipe.schema import Export

_NUMBERS = "numbers"  # name of the one tensor
_LOOKUPS = {  # operators from texts to ids: the names of their attributes
    "LabelEncoder": ("keys_strings", "values_int64s"),
    "CategoryMapper": ("cats_strings", "cats_int64s"),
}


def change_forms(proto: onnx.ModelProto, signature: Signature, settings: Export) -> dict[str, Any]:
    """Change inputs and outputs to the forms that a recipe asks for; return what the metadata say of them.

    Raises:
        ZooError: the file has nothing of the kind, or texts inside that cannot be left out.
    """
    inputs = _column_inputs(signature)
    form = TensorForm()
    if settings.numeric_columns == "one_tensor":
        form = _join_numbers(proto, signature, inputs)
    if settings.numeric_only:
        form = _take_ids(proto, inputs, form)
    if form == TensorForm():
        return {}
    left = {column: name for column, name in inputs.items() if column not in form.numbers}
    return {"tensors": form.to_json(), **({"inputs": left} if signature.columns or signature.static else {})}


def refuse_forms(settings: Export, what: str) -> None:
    """Refuse forms where a file has neither columns nor texts.

    Raises:
        ZooError: the recipe asks for one.
    """
    if settings.numeric_columns == "one_tensor" or settings.numeric_only:
        key = "numeric_only" if settings.numeric_only else "numeric_columns"
        raise ZooError(f"export.{key}: {what} has neither columns nor texts; leave it out")


def _column_inputs(signature: Signature) -> dict[str, str]:
    """Return the inputs of columns, by their names."""
    facts: dict[str, str] = signature.to_json().get("inputs", {})
    return facts


def _join_numbers(proto: onnx.ModelProto, signature: Signature, inputs: Mapping[str, str]) -> TensorForm:
    columns = [column for column in signature.columns if column.type == "number"]
    if signature.kind != "table" or not columns:
        what = "the table has no numeric column" if signature.kind == "table" else f"the model takes {signature.kind}"
        raise ZooError(
            f"export.numeric_columns: one_tensor puts the numeric columns of a table into one input, and {what}; "
            "leave it out"
        )
    kind = TensorProto.DOUBLE if any(column.double for column in columns) else TensorProto.FLOAT
    name = _NUMBERS
    while name in {*inputs.values(), *RESERVED}:
        name += "_"
    graph, first = proto.graph, []
    parts = [inputs[column.name] for column in columns]
    pieces = [
        part if column.double == (kind == TensorProto.DOUBLE) else f"form/{part}"
        for part, column in zip(parts, columns, strict=True)
    ]
    graph.initializer.append(helper.make_tensor("form/widths", TensorProto.INT64, [len(parts)], [1] * len(parts)))
    first.append(helper.make_node("Split", [name, "form/widths"], pieces, axis=1))
    for piece, part in zip(pieces, parts, strict=True):
        if piece != part:
            first.append(helper.make_node("Cast", [piece], [part], to=TensorProto.FLOAT))
    others = [each for each in graph.input if each.name not in parts]
    _replace(graph.input, [helper.make_tensor_value_info(name, kind, ["batch", len(parts)]), *others])
    _replace(graph.node, [*first, *graph.node])
    return TensorForm(input=name, numbers=tuple(column.name for column in columns))


def _take_ids(proto: onnx.ModelProto, inputs: Mapping[str, str], form: TensorForm) -> TensorForm:
    """Let the graph take the ids of categories, and give places in the list of labels."""
    graph = proto.graph
    texts = [each for each in (*graph.input, *graph.output) if each.type.tensor_type.elem_type == TensorProto.STRING]
    if not texts:
        raise ZooError("export.numeric_only: the file takes and gives no texts as it is; leave it out")
    columns = {name: column for column, name in inputs.items()}
    ids, unknown = {}, {}
    for given in graph.input:
        if given.type.tensor_type.elem_type == TensorProto.STRING:
            column = columns[given.name]
            ids[column], unknown[column] = _lookup(graph, given)
    tables = {each.name for each in graph.initializer if each.data_type == TensorProto.STRING}
    for node in graph.node:
        if node.op_type == "Gather" and node.input[0] in tables:  # names of classes
            _identity(node, node.input[1])
    named = {name for node in graph.node for name in node.input}
    _replace(graph.initializer, [each for each in graph.initializer if each.name not in tables or each.name in named])
    for each in texts:
        each.type.tensor_type.elem_type = TensorProto.INT64
    if any(each.data_type == TensorProto.STRING for each in graph.initializer) or any(
        node.op_type in (*_LOOKUPS, "StringNormalizer", "StringConcat", "StringSplit") for node in graph.node
    ):
        raise ZooError(
            "export.numeric_only: the model works on texts inside, so it has no form without them; leave it out"
        )
    if not any(node.domain == "ai.onnx.ml" for node in graph.node):
        _replace(proto.opset_import, [each for each in proto.opset_import if each.domain != "ai.onnx.ml"])
    return TensorForm(input=form.input, numbers=form.numbers, ids=ids, unknown=unknown)


def _lookup(graph: onnx.GraphProto, given: onnx.ValueInfoProto) -> tuple[dict[str, int], int]:
    """Let an input be what its lookups make of it; return the ids of its categories, and of all others."""
    found = None
    for node in graph.node:
        if given.name not in node.input or node.op_type in ("Shape", "Identity"):
            continue
        if node.op_type not in _LOOKUPS:
            raise ZooError(
                f"export.numeric_only: the model takes '{given.name}' as text ({node.op_type}); leave it out"
            )
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        keys, values = (attributes[name] for name in _LOOKUPS[node.op_type])
        own = dict(zip([key.decode() for key in keys], map(int, values), strict=True)), int(attributes["default_int64"])
        if found not in (None, own):
            raise ZooError(
                f"export.numeric_only: the model numbers the categories of '{given.name}' twice; leave it out"
            )
        found = own
        _identity(node, given.name)
    if found is None:
        raise ZooError(f"export.numeric_only: nothing reads the input '{given.name}'; leave it out")
    return found


def _identity(node: onnx.NodeProto, source: str) -> None:
    output = node.output[0]
    node.CopyFrom(helper.make_node("Identity", [source], [output]))


def _replace(part: Any, kept: list[Any]) -> None:
    """Replace the entries of a part of a graph."""
    copies = [type(each).FromString(each.SerializeToString()) for each in kept]
    del part[:]
    part.extend(copies)
