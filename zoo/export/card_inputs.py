"""What a card says of a file's inputs, and how an example is made in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.export import markdown

if TYPE_CHECKING:
    from zoo.data.columns import Column
    from zoo.data.dataset import Signature
    from zoo.serving.tensor_forms import TensorForm


def inputs(signature: Signature, form: TensorForm) -> str:
    """Describe the inputs of a file that takes raw examples."""
    if signature.kind in ("table", "series"):
        return (_columns if signature.kind == "table" else _covariates)(signature, form)
    described = {"text": _text, "tokens": _tokens, "graph": _graph, "audio": _audio}
    return described.get(signature.kind, _array)(signature)


def noise(signature: Signature, form: TensorForm) -> str:
    """Describe the inputs of a file that makes images."""
    return (
        "- `noise` `(batch, …)`: float32, standard normal, which decides what is made\n"
        "- `label` `(batch,)`: int32, the class, where the model takes one\n"
        "- `guidance` `(1,)`: float32, weight of the class, where a diffusion model takes one\n"
        "- `step_noise` `(steps, batch, …)`: float32, standard normal, with the sampler ddpm"
    )


def _columns(signature: Signature, form: TensorForm) -> str:
    rows = "\n".join(
        f"- {markdown.code(name)} `(batch, {1 if c.tokenizer is None else c.tokenizer.length})`: {_column(c, form)}"
        f"{'' if name == c.name else f'; the column {markdown.code(c.name)}'}"
        for name, c in zip(signature.input_names, signature.columns, strict=True)
        if c.name not in form.numbers
    )
    if not form.numbers:
        return f"One input for each column:\n\n{rows}"
    columns = [column for column in signature.columns if column.name in form.numbers]
    numbers = "\n".join(f"  {i}. {markdown.code(c.name)}: {_column(c, form)}" for i, c in enumerate(columns, start=1))
    kind = float_type(any(column.double for column in columns))
    one = f"- `{form.input}` `(batch, {len(columns)})`: {kind}, the columns of numbers in this order:\n{numbers}"
    return f"{one}\n{rows}".rstrip()


def _column(column: Column, form: TensorForm) -> str:
    """Describe what the file takes of a column, and how the table that it was trained on wrote it."""
    if column.type == "category":
        return _category(column, form)
    if column.tokenizer is not None:
        return (
            f"int32 token ids below {len(column.tokenizer)} of a text, padded on the right with 0; "
            "`zoo.ExportedModel` makes them with the vocabulary that the file carries"
        )
    forms = {
        "number": column.style.describe(),
        "boolean": "1 for true, 0 for false",
        "time": f"days since 1970, from moments written as {column.time}",
    }
    written = f" ({forms[column.form]})" if forms[column.form] else ""
    return f"{float_type(column.double)}, NaN where missing{written}"


def _category(column: Column, form: TensorForm) -> str:
    if column.name not in form.ids:
        return "text, empty where missing"
    count, unknown = len(form.ids[column.name]), form.unknown[column.name]
    return f"int64, the id of one of {count:,} categories, which the metadata list; {unknown} for others"


def float_type(double: bool) -> str:
    """Return the type of numbers in the file."""
    return "float64" if double else "float32"


def _series(signature: Signature) -> str:
    """Describe the columns and the moments of a series."""
    names = ", ".join(markdown.code(column.name) for column in signature.columns)
    time = signature.time
    if time is None or not time.name:
        return f"\n\nThe columns are, in this order, {names}; a row is a step of the series, the last one the newest."
    told_apart = " and ".join(markdown.code(name) for name in signature.series)
    several = f" A table may hold several series, told apart by {told_apart}." if signature.series else ""
    return (
        f"\n\nThe columns are, in this order, {names}. A row is a step of {time.step}, the last one the newest; "
        f"`zoo predict` takes them by name and checks column `{time.name}`. The series ended at {time.last}.{several}"
    )


def _covariates(signature: Signature, form: TensorForm) -> str:
    """Describe the inputs of a file that takes windows with covariates."""
    lines = [f"- `array` `(batch, {signature.shape[0]}, {signature.shape[1]})`: {float_type(signature.double)}"]
    if signature.known:
        names = ", ".join(map(markdown.code, signature.known))
        lines.append(
            f"- `known_covariates` `(batch, {signature.horizon}, {len(signature.known)})`: "
            f"{float_type(signature.double)}, for the steps to forecast, in this order {names}"
        )
    names_of_static = signature.input_names[len(signature.input_names) - len(signature.static) :]
    for name, column in zip(names_of_static, signature.static, strict=True):
        what = _category(column, form) if column.type == "category" else "float32"
        lines.append(
            f"- {markdown.code(name)} `(batch, 1)`: {what}, the column {markdown.code(column.name)} of the series"
        )
    return "\n".join(lines) + _series(signature)


def _ids(signature: Signature) -> str:
    return f"int32 ids below {signature.vocabulary}, padded on the right with 0"


def _tokens(signature: Signature) -> str:
    return f"- `tokens` `(batch, length)`: {_ids(signature)}"


def _text(signature: Signature) -> str:
    level = signature.tokenizer.level if signature.tokenizer else ""
    what = "for what each blank separates" if level == "whitespace" else f"for each {level}"
    return (
        f"Text, one token {what}; `zoo.ExportedModel` does this with the vocabulary that the file carries. "
        f"Token ids: {_ids(signature)}; 1 is unknown, 2 and 3 mark start and end."
    )


def _graph(signature: Signature) -> str:
    return (
        f"- `nodes` `(batch, nodes, {signature.shape[-1]})`: float32, features of each node; NaN pads a graph that "
        "has fewer than another\n"
        "- `edges` `(batch, edges, 2)`: int32, source and target of each edge, an undirected one in both directions; "
        "-1 pads\n\n"
        "Where nodes are classified, the first node of a graph is the one that is asked for, and the others are its "
        f"neighborhood.{_graph_tables(signature)}"
    )


def _graph_tables(signature: Signature) -> str:
    """Describe the tables that graphs come from, and the columns that are features, in their order."""
    form = signature.graph
    if form is None:
        return ""
    names = ", ".join(markdown.code(column.name) for column in signature.columns)
    files = ", ".join(markdown.code(name) for name in (form.nodes, form.edges, form.graphs) if name)
    return f"\n\n`zoo predict` takes a folder with the tables {files}. The features are, in this order, {names}."


def _audio(signature: Signature) -> str:
    samples, rate = int(signature.shape[0] or 0), signature.sample_rate
    return (
        f"- `audio` `(batch, {samples})`: float32, {samples / rate:.4g} s of one channel at {rate:,} samples a second, "
        "full scale being -1 to 1; a shorter clip is padded with zeros at its end. `zoo predict` reads WAV, FLAC and "
        "OGG files of any rate and length"
    )


def _array(signature: Signature) -> str:
    axes = ", ".join(
        name if n is None else str(n) for name, n in zip(("height", "width", "channels"), signature.shape, strict=False)
    )
    is_image = signature.kind == "image"
    what = "uint8, 0 to 255, as decoded from the image file" if is_image else float_type(signature.double)
    series = _series(signature) if signature.columns and not is_image else ""
    return f"- `{signature.kind}` `(batch, {axes})`: {what}{series}"


def row(signature: Signature, form: TensorForm) -> str:
    """Return a line of Python that makes one raw example."""
    if signature.kind == "table":
        return (
            "types = {'tensor(float)': np.float32, 'tensor(double)': np.float64, 'tensor(int32)': np.int32,\n"
            "         'tensor(int64)': np.int64}\n"
            "row = {x.name: np.zeros((1, x.shape[1]), types[x.type]) if x.type in types else np.array([['']], object)\n"
            "       for x in session.get_inputs()}  # a value for each column"
        )
    if signature.kind == "graph":
        return (
            f"row = {{'nodes': np.zeros((1, 3, {signature.shape[-1]}), np.float32), "
            "'edges': np.array([[[0, 1], [1, 0]]], np.int32)}"
        )
    if signature.kind == "series":
        return _covariate_row(signature, form)
    if signature.kind in ("text", "tokens"):
        return "row = {'tokens': np.array([[4, 5, 6]], np.int32)}"
    shape = ", ".join(str(n or 64) for n in signature.shape)
    dtype = "uint8" if signature.kind == "image" else float_type(signature.double)
    return f"row = {{{signature.kind!r}: np.zeros((1, {shape}), np.{dtype})}}"


def _covariate_row(signature: Signature, form: TensorForm) -> str:
    """Return a line of Python that makes one window with its covariates."""
    dtype = float_type(signature.double)
    parts = [f"'array': np.zeros((1, {signature.shape[0]}, {signature.shape[1]}), np.{dtype})"]
    if signature.known:
        shape = f"(1, {signature.horizon}, {len(signature.known)})"
        parts.append(f"'known_covariates': np.zeros({shape}, np.{dtype})")
    names = signature.input_names[len(signature.input_names) - len(signature.static) :]
    for name, column in zip(names, signature.static, strict=True):
        value = f"np.zeros((1, 1), np.{'int64' if column.name in form.ids else 'float32'})"
        value = "np.array([['']], object)" if column.type == "category" and not form.ids else value
        parts.append(f"{name!r}: {value}")
    return f"row = {{{', '.join(parts)}}}"


def decoder_row(signature: Signature, form: TensorForm) -> str:
    """Return a line of Python that makes a source and the beginning of its target."""
    return "row = {'source': np.array([[4, 5, 6]], np.int32), 'target': np.array([[2]], np.int32)}"


def image_call(signature: Signature, form: TensorForm) -> str:
    """Return Python code that makes images."""
    return (
        "count, inputs = 4, {}\n"
        "for x in session.get_inputs():\n"
        "    shape = [count if size == 'batch' else size for size in x.shape]\n"
        "    inputs[x.name] = np.random.standard_normal(shape).astype(np.float32)\n"
        "if 'label' in inputs:\n"
        f"    inputs['label'] = np.arange(count, dtype=np.int32) % {max(1, len(signature.labels))}\n"
        "if 'guidance' in inputs:\n"
        "    inputs['guidance'] = np.ones(1, np.float32)\n"
        "(images,) = session.run(['image'], inputs)"
    )
