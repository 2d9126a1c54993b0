import pytest

from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.recipe.source import dump_line

IMAGES = {
    "task": "image_classification",
    "data": {"source": "builtin:digits"},
    "preprocess": [{"rescale": {"scale": 0.1}}, {"standardize": {}}],
    "augment": [{"random_flip": {}}],
    "model": {"name": "mlp"},
    "loss": {"name": "categorical_crossentropy"},
    "optimizer": {"name": "adam", "learning_rate": 0.1},
    "training": {"epochs": 3},
}
NUMBERS = {
    **IMAGES,
    "task": "tabular_regression",
    "preprocess": [{"encode": {}}],
    "augment": [],
    "loss": {"name": "huber"},
}
TEXTS = {
    **IMAGES,
    "task": "sequence_classification",
    "preprocess": [],
    "augment": [],
    "model": {"name": "lstm"},
}
CLIPS = {
    **IMAGES,
    "task": "audio_classification",
    "data": {"source": "builtin:sounds"},
    "preprocess": [{"log_mel": {}}],
    "augment": [],
    "model": {"name": "cnn"},
}
GRAPHS = {
    **IMAGES,
    "task": "graph_classification",
    "data": {"source": "builtin:digit_graphs"},
    "preprocess": [{"standardize": {}}],
    "augment": [],
    "model": {"name": "gcn"},
}
LINES = {key: line for line, key in enumerate(IMAGES, start=1)}
COSINE = {"schedule": "cosine", "peak": 0.1}


def problems(tmp_path, sections, base=IMAGES):
    """Return the messages about a recipe with these sections, one a line of the file, without the file's name."""
    path = tmp_path / "bad.yaml"
    path.write_text(
        "".join(
            f"{dump_line(key)}: {dump_line(value)}\n" for key, value in {**base, **sections}.items() if value != ...
        )
    )
    with pytest.raises(ZooError) as caught:
        load_recipe(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}:") for line in lines)
    return [line.removeprefix(f"{path}:") for line in lines]


# --- keys and types -----------------------------------------------------------------------------------------------

SCHEMA = [
    # unknown keys: at the top, in a section, deeper, in a step of a list, beside a name
    (
        {"trainning": 1},
        "9: trainning: unknown key 'trainning'; did you mean 'training'? (valid: description, task, data",
    ),
    ({"extend": "a"}, "9: extend: unknown key 'extend'; did you mean 'extends'?"),
    ({"zzz": 1}, "9: zzz: unknown key 'zzz' (valid: "),
    (
        {"training": {"epochs": 3, "batchsize": 8}},
        "8: training.batchsize: unknown key 'batchsize'; did you mean 'batch_size'? (valid: batch_size, epochs, ",
    ),
    (
        {"data": {"source": "tfds:a", "splits": {"tests": "a"}}},
        "2: data.splits.tests: unknown key 'tests'; did you mean 't",
    ),
    (
        {"regularization": {"early_stopping": {"patience": 1, "delta": 1}}},
        "9: regularization.early_stopping.delta: unknown key 'delta'; did you mean 'min_delta'?",
    ),
    (
        {"preprocess": [{"rescal": {"scale": 1}}]},
        "3: preprocess.0.rescal: unknown key 'rescal'; did you mean 'rescale'?",
    ),
    (
        {"preprocess": [{"standardize": {}}, {"rescale": {"scale": 1, "ofset": 1}}]},
        "3: preprocess.1.rescale.ofset: unknown key 'ofset'; did you mean 'offset'? (valid: scale, offset)",
    ),
    (
        {"augment": [{"random_flip": {"direction": "up"}}]},
        "4: augment.0.random_flip.direction: unknown key 'direction' (valid: mode)",
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": 0.1, "momentun": 0.9}},
        "7: optimizer.momentun: unknown key 'momentun' (valid: learning_rate, weight_decay, clip_value, clip_norm",
    ),
    (
        {"optimizer": {"name": "sgd", "learning_rate": 0.1, "momentun": 0.9}},
        "7: optimizer.momentun: unknown key 'momentun'; did you mean 'momentum'?",
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": {**COSINE, "warmup": 1}}},
        "7: optimizer.learning_rate.warmup: unknown key 'warmup' (valid: schedule, peak, final)",
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": {**COSINE, "cosine": 1}}},
        "7: optimizer.learning_rate.cosine: unknown key 'cosine'",
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": 0.1, "schedule": [1]}},
        "7: optimizer.schedule: unknown key 'schedule' (valid: learning_rate",
    ),
    (
        {"loss": {"name": "huber", "label_smoothing": 1}},
        "6: loss.label_smoothing: unknown key 'label_smoothing' (valid: na",
    ),
    ({"": 1}, "9: '': unknown key ''"),
    ({"a\nb": 1}, "9: a\\nb: unknown key 'a\\nb'"),
    # wrong types, by kind
    ({"training": {"epochs": 2.5}}, "8: training.epochs: expected a whole number, received 2.5"),
    ({"training": {"epochs": "3"}}, '8: training.epochs: expected a whole number, received "3"'),
    ({"training": {"epochs": True}}, "8: training.epochs: expected a whole number, received true"),
    ({"training": {"epochs": None}}, "8: training.epochs: expected a whole number, received null"),
    *(
        (
            {"preprocess": [{"rescale": {"scale": scale}}]},
            f'3: preprocess.0.rescale.scale: expected a number, or a fraction such as 1/255, received "{scale}"',
        )
        for scale in ("x", "1/0", "1/", "/2", "1/2/3", "1 / 2", "a/b", "1e2/3")
    ),
    (
        {"preprocess": [{"rescale": {"scale": f"{'9' * 400}/1"}}]},
        "3: preprocess.0.rescale.scale: expected a finite number, received",
    ),
    ({"preprocess": [{"rescale": {"scale": True}}]}, "3: preprocess.0.rescale.scale: expected a number, received true"),
    ({"export": {"tolerance": float("inf")}}, "9: export.tolerance: expected a finite number, received Infinity"),
    ({"export": {"tolerance": float("nan")}}, "9: export.tolerance: expected a finite number, received NaN"),
    (
        {"optimizer": {"name": "sgd", "learning_rate": 0.1, "nesterov": "yes"}},
        '7: optimizer.nesterov: expected true or false, received "yes"',
    ),
    ({"description": 7}, "9: description: expected text, received 7"),
    ({"description": ["a"]}, '9: description: expected text, received ["a"]'),
    ({"data": {"source": "tfds:a", "ignore": "a"}}, '2: data.ignore: expected a list, received "a"'),
    ({"data": {"source": "tfds:a", "ignore": ["a", 1]}}, "2: data.ignore.1: expected text, received 1"),
    ({"augment": {"random_flip": {}}}, '4: augment: expected a list, received {"random_flip": {}}'),
    ({"augment": None}, "4: augment: expected a list, received null"),
    ({"augment": ["random_flip"]}, '4: augment.0: expected a mapping of settings, received "random_flip"'),
    ({"augment": [{"random_flip": "up"}]}, '4: augment.0.random_flip: expected a mapping of settings, received "up"'),
    ({"training": 5}, "8: training: expected a mapping of settings, received 5"),
    ({"training": None}, "8: training: expected a mapping of settings, received null"),
    ({"data": []}, "2: data: expected a mapping of settings, received []"),
    ({"model": "mlp"}, '5: model: expected a mapping of settings, received "mlp"'),
    ({"model": {"name": ["mlp"]}}, '5: model.name: expected text, received ["mlp"]'),
    ({"optimizer": "adam"}, '7: optimizer: expected a mapping of settings, received "adam"'),
    ({"loss": 1}, "6: loss: expected a mapping of settings, received 1"),
    ({"description": {"a": "x" * 200}}, '9: description: expected text, received {"a": "xxxxx'),
    # choices
    (
        {"task": "images"},
        "1: task: expected 'image_classification', 'image_multi_label_classification', 'image_regression', ",
    ),
    (
        {"task": 1},
        "1: task: expected 'image_classification', 'image_multi_label_classification', 'image_regression', ",
    ),
    (
        {"augment": [{"random_flip": {"mode": "horizontaly"}}]},
        "4: augment.0.random_flip.mode: expected 'horizontal', 'vertical' or 'horizontal_and_vertical', received "
        "\"horizontaly\"; did you mean 'horizontal'?",
    ),
    ({"training": {"epochs": 3, "select": True}}, "8: training.select: expected 'best' or 'last', received true"),
    ({"data": {"source": "tfds:a", "channels": 2}}, "2: data.channels: expected 1 or 3, received 2"),
    ({"data": {"source": "tfds:a", "channels": True}}, "2: data.channels: expected 1 or 3, received true"),
    ({"data": {"source": "tfds:a", "channels": 1.0}}, "2: data.channels: expected 1 or 3, received 1.0"),
    (
        {"data": {"source": "mnist"}},
        "2: data.source: expected tfds:NAME, builtin:NAME, folder:PATH, ",
    ),
    # names of optimisers, losses and schedules
    (
        {"optimizer": {"name": "adamm", "learning_rate": 1}},
        "7: optimizer.name: unknown name 'adamm'; did you mean 'adam'? (valid: sgd, adam, adamw, rmsprop, adagrad, ",
    ),
    (
        {"optimizer": {"name": None}},
        "7: optimizer.name: expected one of sgd, adam, adamw, rmsprop, adagrad, lion, adafactor, muon, lamb, r",
    ),
    (
        {"optimizer": {"name": [1]}},
        "7: optimizer.name: expected one of sgd, adam, adamw, rmsprop, adagrad, lion, adafactor, muon, lamb, r",
    ),
    (
        {"optimizer": {"learning_rate": 0.1}},
        "7: optimizer.name: required, and missing (valid: sgd, adam, adamw, rmsprop, adagrad, ",
    ),
    (
        {"loss": {"name": "categorical_crosentropy"}},
        "6: loss.name: unknown name 'categorical_crosentropy'; did you mean 'categorical_crossentropy'? (valid: ",
    ),
    (
        {"loss": {}},
        "6: loss.name: required, and missing (valid: categorical_crossentropy, sparse_categorical_crossentropy",
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": {"schedule": "cosin", "peak": 1}}},
        "7: optimizer.learning_rate.schedule: unknown schedule 'cosin'; did you mean 'cosine'? (valid: cosine, warmup_",
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": {"schedule": "a\nb"}}},
        "7: optimizer.learning_rate.schedule: unknown schedule 'a\\nb' (valid: cosine,",
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": {"schedule": "number", "peak": 1}}},
        "7: optimizer.learning_rate.schedule: unknown schedule 'number' (valid: cosine,",
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": {"peak": 1}}},
        "7: optimizer.learning_rate.schedule: required, and missing (valid: cosine, warmup_cosine, step, exponential, ",
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": {"schedule": 7}}},
        "7: optimizer.learning_rate.schedule: expected one of cosine, warmup_cosine, step, exponential, w",
    ),
    # durations
    *(
        ({"optimizer": {"name": "adam", "learning_rate": {"schedule": "warmup_linear", "peak": 1, **rate}}}, message)
        for rate, message in (
            ({}, "7: optimizer.learning_rate.warmup: required, and missing"),
            (
                {"warmup": "5 weeks"},
                "7: optimizer.learning_rate.warmup: expected a number or text such as '500 steps', '2 epochs' or",
            ),
            ({"warmup": "0 steps"}, "7: optimizer.learning_rate.warmup: expected a number or text such as '500 steps'"),
            ({"warmup": True}, "7: optimizer.learning_rate.warmup: expected a number or text, received true"),
            ({"warmup": 0}, "7: optimizer.learning_rate.warmup: must be greater than 0, received 0"),
        )
    ),
    # either branch of a setting that may be two things
    (
        {"optimizer": {"name": "adam", "learning_rate": "fast"}},
        '7: optimizer.learning_rate: expected a number or a schedule, received "fast"',
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": None}},
        "7: optimizer.learning_rate: expected a number or a schedule, received null",
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": 0}},
        "7: optimizer.learning_rate: must be greater than 0, received 0",
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": {**COSINE, "peak": 0}}},
        "7: optimizer.learning_rate.peak: must be greater than 0, received 0",
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": {"schedule": "cosine"}}},
        "7: optimizer.learning_rate.peak: required, and missing",
    ),
    (
        {"training": {"epochs": 3, "steps_per_execution": "all"}},
        "8: training.steps_per_execution: expected a whole number or 'auto', received \"all\"",
    ),
    (
        {"training": {"epochs": 3, "steps_per_execution": 0}},
        "8: training.steps_per_execution: must be at least 1, received 0",
    ),
    (
        {"training": {"epochs": 3, "steps_per_execution": 1.5}},
        "8: training.steps_per_execution: expected a whole number or 'auto', received 1.5",
    ),
    # required, and out of range
    ({"training": {}}, "8: training.epochs: required, and missing"),
    ({"task": ...}, "1: task: required, and missing"),
    ({"training": ...}, "1: training: required, and missing"),
    ({"model": {"widths": [3]}}, "5: model.name: required, and missing"),
    ({"augment": [{"random_zoom": {}}]}, "4: augment.0.random_zoom.factor: required, and missing"),
    ({"training": {"epochs": 0}}, "8: training.epochs: must be at least 1, received 0"),
    ({"data": {"source": "tfds:a", "test": 1}}, "2: data.test: must be less than 1, received 1"),
    ({"export": {"opset": 19}}, "9: export.opset: must be at most 18, received 19"),
    (
        {"loss": {"name": "categorical_crossentropy", "label_smoothing": 1.5}},
        "6: loss.label_smoothing: must be less than 1",
    ),
    (
        {"augment": [{"random_rotation": {"factor": -0.1}}]},
        "4: augment.0.random_rotation.factor: must be at least 0, receiv",
    ),
    (
        {"optimizer": {"name": "adam", "learning_rate": {"schedule": "step", "initial": 1, "epochs": []}}},
        "7: optimizer.learning_rate.epochs: must hold at least 1 value, received []",
    ),
    (
        {"augment": [{"random_erasing": {"area": [0.1]}}]},
        "4: augment.0.random_erasing.area: must hold at least 2 values, received [0.1]",
    ),
    (
        {"augment": [{"random_erasing": {"area": [0.1, 0.2, 0.3]}}]},
        "4: augment.0.random_erasing.area: must hold at most 2 values, received [0.1, 0.2, 0.3]",
    ),
    # steps
    ({"augment": [{}]}, "4: augment.0: a step has exactly one key (random_flip, random_translation, "),
    (
        {"preprocess": [{"standardize": {}, "rescale": {"scale": 1}}]},
        "3: preprocess.0: a step has exactly one key (pretrained, resize, center_crop, encode, tokenize, log_mel, "
        "rescale, standardize, standardize_window), received rescale and standardize",
    ),
    (
        {"preprocess": [{"standardize": None}]},
        "3: preprocess.0: the step has no settings: write {standardize: {}} to take th",
    ),
]


@pytest.mark.parametrize(("sections", "message"), SCHEMA, ids=lambda value: str(value)[:60])
def test_what_the_schema_refuses(sections, message, tmp_path):
    (received,) = problems(tmp_path, sections)
    assert received.startswith(message)
    assert received.isprintable()


def test_every_problem_is_named_at_once(tmp_path):
    received = problems(tmp_path, {"training": {"epochs": 0, "seeds": 1}, "export": {"opset": "x"}, "loss": ...})
    assert [line.partition(": ")[2].partition(": ")[0] for line in sorted(received)] == [
        "loss",
        "training.epochs",
        "training.seeds",
        "export.opset",
    ]


def test_a_long_value_is_cut(tmp_path):
    (received,) = problems(tmp_path, {"description": ["x" * 500]})
    assert len(received) < 140
    assert received.endswith("...")


# --- combinations -------------------------------------------------------------------------------------------------

STANDARDIZE = {"standardize": {"mean": [1], "std": [1]}}
CONSISTENCY = [
    (
        IMAGES,
        {"data": {"source": "csv:a.csv", "target": "y"}},
        "2: data.image: required, and missing: the name",
    ),
    (
        IMAGES,
        {"data": {"source": "csv:a.csv", "image": "{a}/{b}.png", "target": "y"}},
        "2: data.image: names one column, received a and b",
    ),
    (
        IMAGES,
        {"data": {"source": "csv:a.csv", "image": "y", "target": "y"}},
        "2: data.image: the column 'y' is un",
    ),
    (IMAGES, {"data": {"source": "folder:a", "image": "x"}}, "2: data.image: is for tasks on images that read csv, p"),
    (
        NUMBERS,
        {"data": {"source": "csv:a.csv", "image": "x", "target": "y"}},
        "2: data.image: is for tasks on images that read csv, parquet, jsonl, and this is tabular_regression from csv",
    ),
    (
        IMAGES,
        {"data": {"source": "csv:a.csv", "image": "x", "target": "y", "categorical": ["z"]}},
        "2: data.categorical: is for the inputs of tables, and the input here is the image 'x'",
    ),
    (
        IMAGES,
        {"preprocess": [{"resize": {"height": 8, "width": 8, "fill": 3}}]},
        "3: preprocess.0.resize.fill: is for mode pad, and the mode is stretch",
    ),
    (
        IMAGES,
        {"data": {"source": "conll:a", "target": "y"}},
        "2: data.source: image_classification reads tfds, builtin, f",
    ),
    (
        NUMBERS,
        {"data": {"source": "folder:a"}},
        "2: data.source: tabular_regression reads tfds, builtin, csv, parquet, jsonl, npz, n",
    ),
    (
        NUMBERS,
        {"data": {"source": "csv:a"}},
        "2: data.target: required, and missing: the name of the column to predict",
    ),
    (NUMBERS, {"data": {"source": "parquet:a", "target": ""}}, "2: data.target: required, and missing"),
    (IMAGES, {"data": {"source": "tfds:a", "channels": 1}}, "2: data.channels: applies to folder, "),
    (
        IMAGES,
        {"data": {"source": "tfds:a", "on_error": "skip"}},
        "2: data.on_error: skip applies to folder, ",
    ),
    (IMAGES, {"data": {"source": "tfds:a", "separator": ";"}}, "2: data.separator: is for csv"),
    (IMAGES, {"data": {"source": "folder:a", "classes": ["x", "y"]}}, "2: data.classes: names the classes of masks"),
    (
        IMAGES,
        {"data": {"source": "folder:a", "ignore_index": 255}},
        "2: data.ignore_index: is for semantic_segmentation, and the task is image_classification",
    ),
    (
        IMAGES,
        {
            "task": "semantic_segmentation",
            "data": {"source": "masks:a", "classes": ["x", "y", "x"]},
            "model": {"name": "unet"},
            "loss": {"name": "dice"},
            "evaluation": {"baseline": "pixel_forest"},
        },
        "2: data.classes: names a class twice: x",
    ),
    (NUMBERS, {"data": {"source": "jsonl:a", "target": "y", "separator": ";"}}, "2: data.separator: is for csv"),
    (
        IMAGES,
        {"data": {"source": "folder:a", "encoding": "latin-1"}},
        "2: data.encoding: is for csv, jsonl, conll and folders of texts",
    ),
    (
        TEXTS,
        {"data": {"source": "csv:a", "target": "y"}},
        "2: data.text: required, and missing: the name of the column",
    ),
    (TEXTS, {"data": {"source": "csv:a", "text": "y", "target": "y"}}, "2: data.text: 'y' is what is predicted"),
    (
        TEXTS,
        {"data": {"source": "csv:a", "text": "t", "target": "y", "ignore": ["t"]}},
        "2: data.ignore: 't' is the text that is read",
    ),
    (
        TEXTS,
        {"data": {"source": "csv:a", "text": "t", "target": "y", "categorical": ["c"]}},
        "2: data.categorical: is for the inputs of tables, and the input here is the text 't'",
    ),
    (
        {**TEXTS, "task": "sequence_labeling", "loss": {"name": "masked_crossentropy"}},
        {"data": {"source": "conll:a"}, "preprocess": [{"tokenize": {"level": "word"}}]},
        "3: preprocess.0.tokenize: each word has its tag, so sequence_labeling takes level: whitespace, without a len",
    ),
    (TEXTS, {"data": {"source": "folder:a", "channels": 1}}, "2: data.channels: is for images, and sequence_class"),
    (
        TEXTS,
        {"data": {"source": "folder:a", "text": "t"}},
        "2: data.text: is for tasks on texts that read csv, parquet, jsonl, and this is sequence_classification from f",
    ),
    (
        NUMBERS,
        {"data": {"source": "csv:a", "text": "t", "target": "y"}},
        "2: data.text: is for tasks on texts that read csv, parquet, jsonl, and this is tabular_regression from csv",
    ),
    (IMAGES, {"data": {"source": "tfds:a", "missing": ["x"]}}, "2: data.missing: is for tables"),
    (
        NUMBERS,
        {"data": {"source": "csv:a", "target": "y", "sort": True}},
        "2: data.sort: is for series and sequences in long form",
    ),
    (
        NUMBERS,
        {"data": {"source": "csv:a", "target": "y", "group": "g", "time": "t"}},
        "2: data.group: a cut keeps groups together or follows time ('t'), not both; leave one out",
    ),
    (NUMBERS, {"data": {"source": "csv:a", "target": "y", "group": "y"}}, "2: data.group: 'y' is what is predicted"),
    (
        NUMBERS,
        {"data": {"source": "csv:a", "target": "y", "split_column": "y"}},
        "2: data.split_column: 'y' is what is predicted",
    ),
    (
        NUMBERS,
        {"data": {"source": "csv:a", "target": "y", "decimal": ",", "thousands": ","}},
        "2: data.thousands: ',' is the decimal mark, too",
    ),
    (
        NUMBERS,
        {"data": {"source": "csv:a", "target": "y", "encoding": "latin-99"}},
        "2: data.encoding: unknown encoding 'latin-99'",
    ),
    (
        IMAGES,
        {"data": {"source": "tfds:a", "validation": 0.5, "test": 0.5}},
        "2: data.validation: validation (0.5) and data.test (0.5) leave nothing to train on",
    ),
    (
        IMAGES,
        {"preprocess": [{"encode": {}}]},
        "3: preprocess.0.encode: encode is for tables, and this task takes images",
    ),
    (
        NUMBERS,
        {"preprocess": [{"resize": {"height": 8, "width": 8}}]},
        "3: preprocess.0.resize: resize is for images, and this task takes tables",
    ),
    (
        NUMBERS,
        {"preprocess": [{"center_crop": {"height": 8, "width": 8}}]},
        "3: preprocess.0.center_crop: center_crop is for images, and this task takes tables",
    ),
    (
        IMAGES,
        {
            "preprocess": [
                {"resize": {"height": 8, "width": 8}},
                {"rescale": {"scale": 1}},
                {"center_crop": {"height": 8, "width": 8}},
            ]
        },
        "3: preprocess.2.center_crop: center_crop must stand before rescale: steps that fix the shape come first",
    ),
    (
        NUMBERS,
        {"preprocess": [STANDARDIZE, {"encode": {}}]},
        "3: preprocess.1.encode: encode must stand before standardize: steps that fix the shape come first",
    ),
    (NUMBERS, {"preprocess": [{"encode": {}}, {"encode": {}}]}, "3: preprocess.1.encode: encode may stand only once"),
    (
        IMAGES,
        {"preprocess": [{"standardize": {"mean": [1]}}]},
        "3: preprocess.0.standardize: give both mean and std, or neither to have them fitted on the training split",
    ),
    (IMAGES, {"preprocess": [{"standardize": {"std": [1]}}]}, "3: preprocess.0.standardize: give both mean and std"),
    (
        IMAGES,
        {"preprocess": [{"standardize": {"mean": [1, 2], "std": [1]}}]},
        "3: preprocess.0.standardize: mean and std must hold one value each for every channel or column",
    ),
    (
        NUMBERS,
        {"augment": [{"random_flip": {}}]},
        "4: augment: augmentation is for images and audio, and tabular_regression takes none",
    ),
    (
        IMAGES,
        {"augment": [{"random_erasing": {"area": [0.3, 0.2]}}]},
        "4: augment.0.random_erasing.area: the smallest fraction, 0.3, is above the largest, 0.2",
    ),
    (
        IMAGES,
        {"loss": {"name": "huber"}},
        "6: loss.name: huber does not fit image_classification (fitting: categorical_crossentropy, ",
    ),
    (
        NUMBERS,
        {"loss": {"name": "categorical_crossentropy"}},
        "6: loss.name: categorical_crossentropy does not fit tabular_regression (fitting: mean_squared_error, mean_abs",
    ),
    (
        NUMBERS,
        {"regularization": {"mixup": 0.2}},
        "9: regularization.mixup: mixup blends class targets, and the targets of tabular_regression ",
    ),
    (
        NUMBERS,
        {"regularization": {"cutmix": 0.2}},
        "9: regularization.cutmix: cutmix blends class targets, and the targets of tabular_regression ",
    ),
    (
        NUMBERS,
        {
            "task": "tabular_classification",
            "loss": {"name": "categorical_crossentropy"},
            "regularization": {"cutmix": 1},
        },
        "9: regularization.cutmix: cutmix pastes parts of images, and tabular_classification takes none; set it to 0",
    ),
    (
        IMAGES,
        {"loss": {"name": "sparse_categorical_crossentropy"}, "regularization": {"cutmix": 0.2}},
        "9: regularization.cutmix: cutmix blends class targets, which sparse_categorical_crossentropy cannot take; use",
    ),
    (
        IMAGES,
        {
            "task": "object_detection",
            "data": {"source": "builtin:digit_scenes"},
            "augment": [{"rand_augment": {}}],
            "model": {"name": "center_net"},
            "loss": {"name": "center_net"},
        },
        "4: augment.0.rand_augment: rand_augment moves pixels, which the targets of object_detection would have to ",
    ),
    (
        IMAGES,
        {
            "task": "object_detection",
            "data": {"source": "builtin:digit_scenes"},
            "preprocess": [{"resize": {"height": 64, "width": 64, "mode": "crop"}}],
            "augment": [],
            "model": {"name": "center_net"},
            "loss": {"name": "center_net"},
        },
        "3: preprocess.0.resize.mode: the targets of object_detection follow stretch and pad alone, received crop",
    ),
    (
        IMAGES,
        {"model": {"name": "mlp", "freeze": True}},
        "5: model.freeze: is for a network with model.pretrained; weights drawn at random are not worth keeping",
    ),
    (
        NUMBERS,
        {"training": {"epochs": 2, "teacher": "runs/x"}},
        "8: training.teacher: gives probabilities of classes, and the targets of tabular_regression are of another "
        "kind; leave it out",
    ),
    (
        IMAGES,
        {"model": {"name": "mlp", "lora": {"rank": 2}}},
        "5: model.lora: is for a network with model.pretrained; adapters of weights drawn at random could not make up "
        "for them",
    ),
    (
        IMAGES,
        {"model": {"name": "mlp", "pretrained": "runs/x", "freeze": True, "lora": {}}},
        "5: model.lora: trains adapters, and model.freeze the head alone; keep one",
    ),
    (
        NUMBERS,
        {"model": {"name": "tabm", "ensemble": 3}},
        "5: model.ensemble: tabm: it is an ensemble already; set model.members",
    ),
    (
        IMAGES,
        {"model": {"name": "mlp", "ensemble": 2, "pretrained": "runs/x"}},
        "5: model.ensemble: the networks would begin with the same weights; leave out model.pretrained",
    ),
    (
        NUMBERS,
        {"data": {"source": "builtin:diabetes", "per_class": 3}},
        "2: data.per_class: is for classification, and the task is tabular_regression",
    ),
    (
        IMAGES,
        {
            "optimizer": {
                "name": "sgd",
                "learning_rate": 1,
                "layer_decay": 0.5,
                "groups": [{"layers": "*", "weight_decay": 0.1}],
            }
        },
        "7: optimizer.layer_decay: goes by the depth of the layers, and optimizer.groups by their names; keep one",
    ),
    (
        IMAGES,
        {
            "task": "representation_learning",
            "augment": [],
            "model": {"name": "simclr", "encoder": "cnn"},
            "loss": {"name": "nt_xent"},
        },
        "4: augment: required, and missing: nt_xent compares two views of each example, which augmentation tells apart",
    ),
    *(
        (
            IMAGES,
            {
                "task": "representation_learning",
                "model": {"name": "siamese", **encoder},
                "loss": {"name": "contrastive"},
            },
            message,
        )
        for encoder, message in (
            (
                {"encoder": "resnet21"},
                "5: model.encoder: no model for image_classification is called 'resnet21'; did you mean 'resnet2",
            ),
            (
                {"encoder": "cnn", "encoder_config": {"width": 3}},
                "5: model.encoder_config: model 'cnn' has no setting 'width'; did you mean 'widths'?",
            ),
        )
    ),
    (
        IMAGES,
        {"augment": [{"random_resized_crop": {"area": [0.9, 0.2]}}]},
        "4: augment.0.random_resized_crop.area: the smallest fraction, 0.9, is above the largest, 0.2",
    ),
    (
        IMAGES,
        {"optimizer": {"name": "sgd", "learning_rate": {"schedule": "warmup_cosine", "peak": 1, "warmup_epochs": 3}}},
        "7: optimizer.learning_rate.warmup_epochs: the warmup must end before the run does, and training.epochs is 3",
    ),
    *(
        (IMAGES, {"optimizer": {"name": "sgd", "learning_rate": rate}}, f"7: optimizer.learning_rate.{message}")
        for rate, message in (
            (
                {"schedule": "warmup_cosine", "peak": 1},
                "warmup: required, and missing: for example 2 (epochs), 500 steps or 10%",
            ),
            (
                {"schedule": "warmup_cosine", "peak": 1, "warmup_epochs": 1, "warmup": "10%"},
                "warmup: warmup_epochs and warmup are set; keep one, and set the other to null",
            ),
            ({"schedule": "step", "initial": 1}, "at: required, and missing: for example 2 (epochs), 500"),
            ({"schedule": "step", "initial": 1, "epochs": [1], "at": [1]}, "at: epochs and at are set; keep one"),
            ({"schedule": "warmup_linear", "peak": 1, "warmup": "100%"}, "warmup: the warmup must end before the run"),
            ({"schedule": "one_cycle", "peak": 1, "rise": "2 epochs"}, "rise: the way up and the way down must fit"),
            (
                {"schedule": "reduce_on_plateau", "initial": 0.1, "final": 0.2, "patience": 1},
                "final: the rate is to fall, and the last one, 0.2, is not below the first, 0.1",
            ),
        )
    ),
    (
        IMAGES,
        {
            "optimizer": {
                "name": "sgd",
                "learning_rate": {"schedule": "reduce_on_plateau", "initial": 0.1, "patience": 1},
                "unfreeze_epochs": 1,
            }
        },
        "7: optimizer.unfreeze_epochs: blocks that wait have a schedule of their own, which reduce_on_plateau cannot",
    ),
    (
        IMAGES,
        {"optimizer": {"name": "sgd", "learning_rate": 1, "groups": [{"layers": "a", "beta_1": 0.5}]}},
        "7: optimizer.groups.0.beta_1: sgd has no beta_1",
    ),
    (
        IMAGES,
        {
            "optimizer": {
                "name": "adam",
                "learning_rate": 1,
                "groups": [{"layers": "a", "learning_rate": {"schedule": "warmup_linear", "peak": 1, "warmup": 9}}],
            }
        },
        "7: optimizer.groups.0.learning_rate.warmup: the warmup must end before the run does",
    ),
    (
        IMAGES,
        {"optimizer": {"name": "sgd", "learning_rate": 1, "clip_norm": 1, "clip_value": 1}},
        "7: optimizer.clip_norm: clip_value and clip_norm are set; keep one, and set the other to null",
    ),
    (
        IMAGES,
        {"evaluation": {"baseline": "logistic_regresion"}},
        "9: evaluation.baseline: no baseline 'logistic_regresion' for image_classification; did you mean '",
    ),
    (
        NUMBERS,
        {"evaluation": {"baseline": "logistic_regression"}},
        "9: evaluation.baseline: no baseline 'logistic_regression'",
    ),
    (
        NUMBERS,
        {"evaluation": {"metric": "acuracy"}},
        "9: evaluation.metric: no metric 'acuracy' for tabular_regression (valid: mae, rmse, mse, r2, mape, median_",
    ),
    (
        IMAGES,
        {"evaluation": {"metric": "f_betta"}},
        "9: evaluation.metric: no metric 'f_betta' for image_classification; did you mean 'f_beta'? (valid: accuracy,",
    ),
    (
        IMAGES,
        {"evaluation": {"metric": "mcc", "beta": 2}},
        "9: evaluation.beta: is the weight of recall in f_beta, and evaluation.metric is mcc; leave it out",
    ),
    (NUMBERS, {"evaluation": {"positive": "yes"}}, "9: evaluation.positive: is one of two classes, and tabular_regr"),
    (IMAGES, {"model": {"name": "mpl"}}, "5: model.name: unknown model 'mpl'; did you mean 'mlp'? (known: alexnet, "),
    (
        NUMBERS,
        {"model": {"name": "cnn"}},
        "5: model.name: cnn serves image_classification, audio_classification, image_mult",
    ),
    (
        IMAGES,
        {"model": {"name": "mlp", "drop_out": 0.1}},
        "5: model.drop_out: model 'mlp' has no setting 'drop_out'; did you mean 'dropout'? (valid: activation, dropout",
    ),
    (IMAGES, {"model": {"name": "mlp", "outputs": 3}}, "5: model.outputs: model 'mlp' has no setting 'outputs'"),
    (
        IMAGES,
        {"model": {"name": "mlp", "dropout": "0.1"}},
        "5: model.dropout: must be a number, received '0.1'",
    ),
    (
        IMAGES,
        {"model": {"name": "mlp", "dropout": float("nan")}},
        "5: model.dropout: must be a finite number, receive",
    ),
    (
        IMAGES,
        {"model": {"name": "mlp", "widths": 128}},
        "5: model.widths: must be a list, received 128 (default: ",
    ),
    (
        IMAGES,
        {"model": {"name": "mlp", "widths": [1, "a"]}},
        "5: model.widths: must be a whole number, received",
    ),
    (
        IMAGES,
        {"model": {"name": "mlp", "activation": "rulu"}},
        "5: model.activation: must be 'relu', ",
    ),
    (
        IMAGES,
        {"model": {"name": "mlp", "model_config": 1}},
        "5: model.model_config: model 'mlp' has no setting 'model_config'",
    ),
    (IMAGES, {"model": {"name": "mlp", "a\nb": 1}}, "5: model.a\\nb: model 'mlp' has no setting 'a\\nb'"),
    (
        GRAPHS,
        {"model": {"name": "gcn", "pool": "first"}},
        "5: model.pool: the first node does not stand for the graph; set it to mean, sum or max, received first",
    ),
    (
        GRAPHS,
        {"task": "node_classification", "model": {"name": "gat", "pool": "max"}},
        "5: model.pool: the node that is asked for is the first of its graph; set it to first, received max",
    ),
    (
        GRAPHS,
        {"model": {"name": "graph_sage", "edges": "matrix"}},
        "5: model.edges: sources give edges as a list; leave it out, or set it to list, received matrix",
    ),
    (
        GRAPHS,
        {"regularization": {"mixup": 0.2}},
        "9: regularization.mixup: mixup blends inputs, and two graphs have no nodes in common; set it to 0",
    ),
    (
        GRAPHS,
        {"augment": [{"random_flip": {}}]},
        "4: augment: augmentation is for images and audio, and graph_classification ",
    ),
    (CLIPS, {"data": {"source": "npz:a.npz"}}, "2: data.sample_rate: required, and missing: arrays do not say"),
    (
        CLIPS,
        {"data": {"source": "csv:a", "target": "y"}},
        "2: data.audio: required, and missing: the name of the column",
    ),
    (IMAGES, {"data": {"source": "folder:a", "audio": "x"}}, "2: data.audio: is for tasks on clips that read csv, "),
    (CLIPS, {"preprocess": [{"standardize": {}}]}, "3: preprocess: required, and missing: log_mel, which turns"),
    (CLIPS, {"preprocess": [{"log_mel": {}}, {"log_mel": {}}]}, "3: preprocess.1.log_mel: log_mel may stand only once"),
    (
        CLIPS,
        {"preprocess": [{"log_mel": {}}, {"resize": {"height": 8, "width": 8}}]},
        "3: preprocess.1.resize: resize is for images, and this task takes audio",
    ),
    (
        CLIPS,
        {"augment": [{"random_flip": {}}]},
        "4: augment.0.random_flip: random_flip is for images, and this is audio_classification",
    ),
    (
        IMAGES,
        {"augment": [{"spec_augment": {}}]},
        "4: augment.0.spec_augment: spec_augment is for the spectrograms of audio, and this is image_classification",
    ),
    (
        CLIPS,
        {"augment": [{"spec_augment": {"band_masks": 0, "time_masks": 0}}]},
        "4: augment.0.spec_augment: hides nothing: give band_masks or time_masks",
    ),
    (IMAGES, {"data": {"source": "folder:a", "seconds": 1.0}}, "2: data.seconds: is for audio, and the task is image_"),
    (IMAGES, {"preprocess": [{"log_mel": {}}]}, "3: preprocess.0.log_mel: log_mel is for audio, and this task takes"),
    (GRAPHS, {"preprocess": [{"encode": {}}]}, "3: preprocess.0.encode: encode is for tables, and this task takes gr"),
    (GRAPHS, {"data": {"source": "npz:a.npz"}}, "2: data.source: graph_classification reads tfds, builtin, csv"),
    (
        GRAPHS,
        {"data": {"source": "csv:a", "target": "y", "graph": {"hops": 1}}},
        "2: data.graph.hops: is for neighborhoods of nodes",
    ),
    (
        GRAPHS,
        {"data": {"source": "csv:a", "target": "y", "graph": {"source": "x", "target": "x"}}},
        "2: data.graph.target: an edge has two ends, in two columns",
    ),
    (
        GRAPHS,
        {"data": {"source": "csv:a", "target": "y", "categorical": ["a"]}},
        "2: data.categorical: features of nodes",
    ),
    (
        IMAGES,
        {"data": {"source": "builtin:digits", "graph": {}}},
        "2: data.graph: is for graphs from csv, parquet, jsonl",
    ),
    (GRAPHS, {"evaluation": {"baseline": "label_spreading"}}, "9: evaluation.baseline: no baseline 'label_spreading'"),
]


@pytest.mark.parametrize(
    ("base", "sections", "message"),
    CONSISTENCY,
    ids=lambda value: "" if value in (IMAGES, NUMBERS, CLIPS, GRAPHS) else str(value)[:60],
)
def test_combinations_that_cannot_work(base, sections, message, tmp_path):
    (received,) = problems(tmp_path, sections, base)
    assert received.startswith(message)
    assert received.isprintable()


@pytest.mark.parametrize("base", [IMAGES, NUMBERS, GRAPHS], ids=["images", "numbers", "graphs"])
def test_what_the_tables_start_from_is_right(base, tmp_path):
    path = tmp_path / "good.yaml"
    path.write_text("".join(f"{key}: {dump_line(value)}\n" for key, value in base.items()))
    load_recipe(path)


def test_several_combinations_are_named_at_once(tmp_path):
    received = problems(
        tmp_path,
        {
            "loss": {"name": "huber"},
            "model": {"name": "nothing_like_it"},
            "preprocess": [{"encode": {}}, {"encode": {}}],
        },
    )
    assert [line.partition(": ")[2].partition(": ")[0] for line in received] == [
        "preprocess.0.encode",
        "preprocess.1.encode",
        "preprocess.1.encode",
        "loss.name",
        "model.name",
    ]
