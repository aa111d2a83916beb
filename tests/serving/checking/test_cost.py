from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from maskwise.errors import ConfigError
from maskwise.model.artifact import folder_of, read_card
from maskwise.serving.checking.cost import cost, outcomes, ratio, weighted
from maskwise.statistics.metrics import Figure, wilson

MASKED, OTHERS = 600, 822


def known(count: int, n: int) -> Figure:
    return Figure(count / n, *wilson(count, n), n)


def shares(masked: tuple[int, int, int], others: tuple[int, int, int]) -> dict[str, Any]:
    """A card's figures of independent faces: (called masked, answered otherwise, unsure) of either kind."""
    n_masked, n_others = sum(masked), sum(others)
    n = n_masked + n_others
    return {
        "decided": known(n - masked[2] - others[2], n).to_json(),
        "passed": known(others[0], n_others).to_json(),
        "alarmed": known(masked[1], n_masked).to_json(),
        "called_masked": known(masked[0] + others[0], n).to_json(),
    }


def test_outcomes_come_back_from_the_cards_shares() -> None:
    of = outcomes(shares((528, 8, 64), (4, 772, 46)))
    assert of is not None
    values = (of.alarmed, of.passed, of.caught, of.unsure_masked, of.unsure_others)
    assert [one.value for one in values] == pytest.approx([8 / 600, 4 / 822, 772 / 822, 64 / 600, 46 / 822])
    assert of.n == 1422
    for one, count in ((of.caught, 772), (of.unsure_others, 46)):  # independent faces: Wilson's own interval
        assert (one.low, one.high) == pytest.approx(wilson(count, 822), abs=1e-6)


def test_by_hand() -> None:
    of = outcomes(shares((528, 8, 64), (4, 772, 46)))
    assert of is not None
    said = cost(of, people_per_hour=200, share_masked=0.9)
    false, right = 180 * 8 / 600, 20 * 772 / 822
    assert said.false_alarms_per_hour.value == pytest.approx(false)
    assert said.alarms_per_hour.value == pytest.approx(false + right)
    assert said.missed_per_100.value == pytest.approx(100 * 4 / 822)
    assert said.uncertain_per_100.value == pytest.approx(90 * 64 / 600 + 10 * 46 / 822)
    assert said.share_of_alarms_right.value == pytest.approx(right / (false + right))
    assert said.false_alarms_per_hour.low == pytest.approx(180 * known(8, 600).low)
    for figure in (said.alarms_per_hour, said.uncertain_per_100, said.share_of_alarms_right):
        assert figure.low < figure.value < figure.high


def test_faces_that_belong_together_make_every_interval_wider() -> None:
    independent = shares((528, 8, 64), (4, 772, 46))
    grouped = {**independent, "decided": {**independent["decided"], "low": 0.89, "high": 0.95}}
    narrow, wide = outcomes(independent), outcomes(grouped)
    assert narrow is not None
    assert wide is not None
    assert wide.caught.high - wide.caught.low > 1.5 * (narrow.caught.high - narrow.caught.low)


def test_the_bundled_models_points_agree_with_their_card() -> None:
    card = read_card(folder_of("default"))
    for point in card.operating_points.values():
        of = outcomes(point.figures)
        assert of is not None
        decided = 1 - (of.unsure_masked.value * MASKED + of.unsure_others.value * OTHERS) / of.n
        assert decided == pytest.approx(point.figures["decided"]["value"])
        assert of.caught.value + of.passed.value + of.unsure_others.value == pytest.approx(1)
        assert 0 <= of.unsure_masked.value <= 1


@pytest.mark.parametrize(("share", "right"), [(0.0, 1.0), (1.0, 0.0)])
def test_where_all_or_none_are_masked(share: float, right: float) -> None:
    of = outcomes(shares((528, 8, 64), (4, 772, 46)))
    assert of is not None
    assert cost(of, 100, share).share_of_alarms_right.value == right


def test_without_alarms_there_is_no_share_of_them() -> None:
    of = outcomes(shares((590, 0, 10), (4, 772, 46)))
    assert of is not None
    assert cost(of, 100, 1.0).share_of_alarms_right.to_json()["value"] is None
    assert cost(of, 0, 0.5).alarms_per_hour.value == 0


NONE = {"value": None, "low": None, "high": None, "n": 0}


@pytest.mark.parametrize("figures", [{}, {"decided": {}}, {**shares((1, 0, 0), (0, 1, 0)), "alarmed": NONE}])
def test_a_card_without_figures_has_no_cost(figures: dict[str, Any]) -> None:
    assert outcomes(figures) is None


@pytest.mark.parametrize(("people", "share"), [(-1, 0.5), (math.inf, 0.5), (1, 1.5), (1, math.nan)])
def test_what_cannot_be(people: float, share: float) -> None:
    of = outcomes(shares((528, 8, 64), (4, 772, 46)))
    assert of is not None
    with pytest.raises(ConfigError):
        cost(of, people, share)


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_intervals_hold_the_truth_as_often_as_they_say(share: float) -> None:
    """Faces are drawn again and again from known rates; the true cost lies in 95 % of the intervals."""
    masked_p, others_p = np.array([0.88, 0.02, 0.10]), np.array([0.01, 0.93, 0.06])
    false, right = share * 0.02, (1 - share) * 0.93
    truth = (
        100 * (false + right),
        100 * false,
        1.0,
        100 * (share * 0.10 + (1 - share) * 0.06),
        right / (false + right),
    )
    rng, rounds = np.random.default_rng(7), 1500
    held = np.zeros(5)
    for masked, others in zip(
        rng.multinomial(600, masked_p, rounds), rng.multinomial(800, others_p, rounds), strict=True
    ):
        of = outcomes(shares(tuple(masked.tolist()), tuple(others.tolist())))
        assert of is not None
        said = cost(of, 100, share)
        figures = [getattr(said, name) for name in said.__slots__]
        held += [one.low <= true <= one.high for one, true in zip(figures, truth, strict=True)]
    assert (held / rounds > 0.93).all(), held / rounds
    assert (held / rounds < 0.985).all(), held / rounds


def test_sums_and_ratios_by_hand() -> None:
    a, b = Figure(0.2, 0.1, 0.4, 10), Figure(0.5, 0.4, 0.6, 20)
    both = weighted((a, b), (10, 2), 30)
    assert (both.value, both.low, both.high) == pytest.approx((3.0, 3 - math.hypot(1, 0.2), 3 + math.hypot(2, 0.2)))
    low, high = ratio(a, b)
    assert 0.1 / 0.6 < low < 0.4 < high < 0.4 / 0.4  # narrower than the corners, since both are rarely off at once
    assert ratio(a, Figure(0.5, 0.5, 0.5, 1)) == pytest.approx((0.2, 0.8))
    assert ratio(a, Figure(0.1, 0.0, 0.3, 1)) == (0.0, math.inf)
