"""NEWS2 against the published scoring table (Royal College of Physicians 2017)."""

from decimal import Decimal

import pytest

from hms.clinical.vitals.news2 import CONSCIOUSNESS, calculate_news2, reason_not_scored

D = Decimal
WELL = {
    "respiratory_rate": D(16),
    "oxygen_saturation": D(97),
    "systolic": D(120),
    "pulse": D(70),
    "temperature": D("37.0"),
}
CIRCUMSTANCES = {"age_years": D(40), "is_pregnant": False, "consciousness": "alert", "on_oxygen": False}


def score(scale=1, circumstances=(), **changed):
    values = WELL | {key: D(value) for key, value in changed.items()}
    return calculate_news2(values, **CIRCUMSTANCES | dict(circumstances), scale=scale)


# Every edge of every step of the chart.
CHART = [
    *(("respiratory_rate", rate, points) for rate, points in
      [("3", 3), ("8", 3), ("9", 1), ("11", 1), ("12", 0), ("20", 0), ("21", 2), ("24", 2), ("25", 3), ("60", 3)]),
    *(("oxygen_saturation", spo2, points) for spo2, points in
      [("70", 3), ("91", 3), ("92", 2), ("93", 2), ("94", 1), ("95", 1), ("96", 0), ("100", 0)]),
    *(("systolic", mmhg, points) for mmhg, points in
      [("60", 3), ("90", 3), ("91", 2), ("100", 2), ("101", 1), ("110", 1), ("111", 0), ("219", 0), ("220", 3)]),
    *(("pulse", rate, points) for rate, points in
      [("30", 3), ("40", 3), ("41", 1), ("50", 1), ("51", 0), ("90", 0), ("91", 1), ("110", 1), ("111", 2), ("130", 2),
       ("131", 3)]),
    *(("temperature", celsius, points) for celsius, points in
      [("34.0", 3), ("35.0", 3), ("35.1", 1), ("36.0", 1), ("36.1", 0), ("38.0", 0), ("38.1", 1), ("39.0", 1),
       ("39.1", 2), ("41.0", 2)]),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "points"), CHART)
def test_each_limit_of_the_chart(key, value, points):
    result = score(**{key: value})
    assert result.points[key] == points
    assert result.total == points


SCALE_2 = [
    # SpO2, on oxygen, points
    ("83", False, 3), ("84", False, 2), ("85", False, 2), ("86", False, 1), ("87", False, 1), ("88", False, 0),
    ("92", False, 0), ("93", False, 0), ("99", False, 0),
    ("83", True, 3), ("85", True, 2), ("87", True, 1), ("88", True, 0), ("92", True, 0), ("93", True, 1),
    ("94", True, 1), ("95", True, 2), ("96", True, 2), ("97", True, 3), ("100", True, 3),
]  # fmt: skip


@pytest.mark.parametrize(("spo2", "on_oxygen", "points"), SCALE_2)
def test_scale_2_gives_no_points_from_88_to_92(spo2, on_oxygen, points):
    result = score(scale=2, circumstances={"on_oxygen": on_oxygen}, oxygen_saturation=spo2)
    assert result.points["oxygen_saturation"] == points
    assert result.total == points + (2 if on_oxygen else 0)


def test_scale_1_is_the_same_on_air_and_oxygen_but_for_the_two_points_of_oxygen():
    for spo2 in ("90", "92", "95", "97"):
        on_air, on_oxygen = (
            score(oxygen_saturation=spo2),
            score(circumstances={"on_oxygen": True}, oxygen_saturation=spo2),
        )
        assert on_oxygen.total == on_air.total + 2


@pytest.mark.parametrize("state", [state for state in CONSCIOUSNESS if state != "alert"])
def test_every_level_but_alert_scores_three(state):
    result = score(circumstances={"consciousness": state})
    assert result.points["consciousness"] == 3
    assert result.band == "low_medium"


WHOLE = [
    # changed values, oxygen, total, band
    ({}, False, 0, "none"),
    ({"temperature": "38.1"}, False, 1, "low"),
    ({"temperature": "38.6", "pulse": "96"}, False, 2, "low"),
    ({"temperature": "39.1", "pulse": "111"}, False, 4, "low"),
    ({"respiratory_rate": "25"}, False, 3, "low_medium"),
    ({"respiratory_rate": "25", "pulse": "91"}, False, 4, "low_medium"),
    ({"respiratory_rate": "25", "pulse": "111"}, False, 5, "medium"),
    ({"respiratory_rate": "21", "pulse": "111", "temperature": "38.1"}, False, 5, "medium"),
    ({"respiratory_rate": "22", "pulse": "112", "systolic": "95"}, False, 6, "medium"),
    ({"respiratory_rate": "22", "pulse": "112", "systolic": "95", "temperature": "38.5"}, False, 7, "high"),
    ({"oxygen_saturation": "91", "respiratory_rate": "22"}, True, 7, "high"),
    ({"respiratory_rate": "30", "oxygen_saturation": "85", "systolic": "80", "pulse": "140",
      "temperature": "34"}, True, 17, "high"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "on_oxygen", "total", "band"), WHOLE)
def test_totals_and_bands(changed, on_oxygen, total, band):
    result = score(circumstances={"on_oxygen": on_oxygen}, **changed)
    assert (result.total, result.band) == (total, band)
    assert result.total == sum(result.points.values())
    assert result.needs_review is (total >= 5 or max(result.points.values()) == 3)


def test_the_worst_possible_score_is_twenty():
    worst = {
        "respiratory_rate": "40",
        "oxygen_saturation": "80",
        "systolic": "60",
        "pulse": "30",
        "temperature": "30",
    }
    assert score(circumstances={"on_oxygen": True, "consciousness": "unresponsive"}, **worst).total == 20


def test_a_score_as_text_has_band_and_advice():
    assert str(score(temperature="38.6", pulse="96")) == "NEWS2 2: low – repeat in 4–6 h"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"age_years": D("15.99")}, "16 years"),
        ({"age_years": None}, "16 years"),
        ({"is_pregnant": True}, "pregnancy"),
        ({"consciousness": None}, "consciousness"),
        ({"consciousness": "sleepy"}, "consciousness"),
        ({"on_oxygen": None}, "air or oxygen"),
    ],
)
def test_no_score_outside_the_valid_range(changed, message):
    circumstances = CIRCUMSTANCES | changed
    assert calculate_news2(WELL, **circumstances) is None
    assert message in str(reason_not_scored(WELL, **circumstances))


@pytest.mark.parametrize("missing", WELL)
def test_no_score_from_fewer_than_seven_parameters(missing):
    partial = {key: value for key, value in WELL.items() if key != missing}
    assert calculate_news2(partial, **CIRCUMSTANCES) is None
    assert str(reason_not_scored(partial, **CIRCUMSTANCES)).startswith("NEWS2 still needs: ")


@pytest.mark.parametrize(("age", "is_pregnant"), [(D(16), None), (D(90), False)])
def test_score_from_sixteen_years_and_with_unknown_pregnancy(age, is_pregnant):
    assert calculate_news2(WELL, **CIRCUMSTANCES | {"age_years": age, "is_pregnant": is_pregnant}).total == 0
    assert reason_not_scored(WELL, **CIRCUMSTANCES | {"age_years": age, "is_pregnant": is_pregnant}) is None
