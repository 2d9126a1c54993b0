"""Inputs that tell the target, ids on both sides of a cut, and training on the future."""

import numpy as np
import pytest
from audited import found, table

from zoo.audit.groups import group_findings
from zoo.audit.leakage import leaking_inputs
from zoo.audit.times import time_findings

RNG = np.random.default_rng(0)
ROWS = 400
LABELS = ("no", "yes")


def noise(count=ROWS):
    return {f"n{i}": RNG.normal(size=count).astype(np.float32) for i in range(4)}


def classes():
    return RNG.integers(0, 2, ROWS).astype(np.int32)


@pytest.mark.parametrize("write", [lambda y: (3 - 2 * y).astype(np.float32), lambda y: np.array(["n", "j"], object)[y]])
def test_the_target_in_another_form_is_an_error(write):
    y = classes()
    leak = found(leaking_inputs, table({**noise(), "copy": write(y)}, y, labels=LABELS))["target_leakage", "error"]
    assert leak.evidence[0]["column"] == "copy" and leak.remedy == "data: {ignore: [copy]}"


def test_a_number_in_another_unit_is_the_target():
    y = RNG.normal(size=ROWS).astype(np.float32)
    leak = found(leaking_inputs, table({**noise(), "copy": (y * -2.5 + 7).astype(np.float64)}, y))
    assert ("target_leakage", "error") in leak
    near = y + 0.02 * RNG.normal(size=ROWS)
    (key,) = found(leaking_inputs, table({**noise(), "after": near}, y))
    assert key == ("target_leakage", "warning")


def test_one_feature_that_explains_what_the_others_do_not_is_a_warning():
    y = classes()
    after = np.where(RNG.random(ROWS) < 0.01, 1 - y, y) + 0.1 * RNG.normal(size=ROWS)
    leak = found(leaking_inputs, table({**noise(), "after": after}, y, labels=LABELS))["target_leakage", "warning"]
    assert leak.evidence[0]["column"] == "after" and leak.evidence[0]["others"] < 0.2


def test_easy_data_is_no_leak():
    columns = noise()
    y = (columns["n0"] + columns["n1"] > 0).astype(np.int32)
    for i in range(4, 8):
        columns[f"n{i}"] = columns["n0"] + columns["n1"] + 0.1 * RNG.normal(size=ROWS).astype(np.float32)
    assert found(leaking_inputs, table(columns, y, labels=LABELS)) == {}
    assert found(leaking_inputs, table(noise(), classes(), labels=LABELS)) == {}


# --- groups -------------------------------------------------------------------------------------------------------


def people(count=100, each=4):
    """Return rows of people in any order: their ids, and a target that depends on the person."""
    ids = np.repeat(np.arange(count), each)
    y = np.repeat(RNG.integers(0, 2, count), each).astype(np.int32)
    order = RNG.permutation(len(ids))
    return np.array([f"P{i}" for i in ids[order]], object), y[order]


def test_people_on_both_sides_of_a_cut_are_an_error_where_they_tell_the_target():
    ids, y = people()
    leak = found(group_findings, table(noise(len(y)), y, labels=LABELS, others={"patient_id": ids}))
    error = leak["group_leakage", "error"]
    assert error.remedy == "data: {group: patient_id}"
    train, test = set(ids[:240].tolist()), ids[320:]
    assert error.count == sum(each in train for each in test.tolist())


def test_people_who_tell_nothing_are_a_warning_and_ids_that_are_an_input_a_note():
    ids, y = people()
    unrelated = RNG.permutation(y)
    told = found(group_findings, table(noise(400), unrelated, labels=LABELS, others={"patient_id": ids}))
    assert {severity for _, severity in told} == {"warning"}
    known = table({**noise(400), "patient_id": ids}, y, labels=LABELS)
    assert {severity for _, severity in found(group_findings, known)} == {"note"}


def test_whole_groups_and_columns_that_are_no_ids_are_nothing():
    ids, y = people()
    order = np.argsort(ids, kind="stable")
    assert found(group_findings, table(noise(400), y[order], labels=LABELS, others={"patient_id": ids[order]})) == {}
    assert found(group_findings, table(noise(400), y, labels=LABELS, others={"city": ids})) == {}


# --- time ---------------------------------------------------------------------------------------------------------


def days(first, count):
    return np.datetime64(first) + np.arange(count).astype("timedelta64[D]")


def test_a_test_before_training_is_an_error():
    y = classes()
    moments = np.concatenate([days("2021-01-01", 320), days("2020-01-01", 80)])
    leak = found(time_findings, table(noise(), y, labels=LABELS, others={"day": moments}, held_out=("validation",)))
    assert leak["time_leakage", "error"].count == 80
    after = table(noise(), y, labels=LABELS, others={"day": days("2021-01-01", 400)}, held_out=("validation",))
    assert found(time_findings, after) == {}


def test_a_random_cut_is_a_warning_where_the_target_depends_on_time():
    order = RNG.permutation(ROWS)
    y = (np.arange(ROWS) // 50 % 2).astype(np.int32)
    drifting = table(noise(), y[order], labels=LABELS, others={"day": days("2021-01-01", ROWS)[order]})
    leak = found(time_findings, drifting)["time_leakage", "warning"]
    assert leak.remedy == "data: {time: day}" and leak.evidence[0]["explained"] > 0.5
    steady = table(noise(), RNG.permutation(y), labels=LABELS, others={"day": days("2021-01-01", ROWS)[order]})
    assert found(time_findings, steady) == {}
    weak = RNG.normal(size=6000) + 0.35 * np.sin(np.arange(6000) / 100)  # certain, and of no matter
    weakly = table(noise(6000), weak.astype(np.float32), others={"day": days("2001-01-01", 6000)})
    assert found(time_findings, weakly) == {}
