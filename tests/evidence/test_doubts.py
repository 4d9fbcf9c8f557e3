from dataclasses import replace

import numpy as np
import pytest

from auricle.data.clips import Clip
from auricle.evidence import doubts
from auricle.study.fits import Predictions, load_predictions

CATEGORIES = ("bell", "horn", "siren")


@pytest.fixture
def clips():
    """Twenty of each class in two folds, two of a recording."""
    return [
        Clip(f"{category}/{number:02d}.wav", category, 2 + number // 10, f"{number // 2}")
        for category in CATEGORIES
        for number in range(20)
    ]


def answers(clips, networks=3, sure=4.0, seed=0):
    """(networks, clips, classes) of networks that are right, each with doubts of its own."""
    generator = np.random.default_rng(seed)
    targets = np.array([CATEGORIES.index(clip.category) for clip in clips])
    logits = generator.normal(0, 0.5, (networks, len(clips), 3))
    logits[:, np.arange(len(clips)), targets] += sure
    power = np.exp(logits)
    return power / power.sum(2, keepdims=True)


def relabelled(clips, changed):
    return [
        replace(clip, category=changed.get(row, clip.category)) for row, clip in enumerate(clips)
    ]


def test_exactly_the_labels_that_were_swapped_are_doubted(clips):
    swapped = {3: "siren", 17: "horn", 25: "bell", 51: "horn"}
    found = doubts.doubts(relabelled(clips, swapped), CATEGORIES, answers(clips))
    assert {(each.file, each.label, each.answer) for each in found.doubted} == {
        (clips[row].file, label, clips[row].category) for row, label in swapped.items()
    }
    assert all(each.networks == 3 and each.confidence >= each.usual for each in found.doubted)
    confidences = [each.confidence for each in found.doubted]
    assert confidences == sorted(confidences, reverse=True)


def test_labels_that_are_right_are_not_doubted(clips):
    assert doubts.doubts(clips, CATEGORIES, answers(clips)).doubted == ()


def test_networks_that_do_not_agree_doubt_nothing(clips):
    probabilities = answers(clips)
    probabilities[0, 5], probabilities[1, 5] = [0.02, 0.96, 0.02], [0.02, 0.02, 0.96]
    found = doubts.doubts(clips, CATEGORIES, probabilities)
    assert found.doubted == ()


def test_a_guess_that_is_less_sure_than_usual_is_no_doubt(clips):
    probabilities = answers(clips)
    probabilities[:, 5] = [0.30, 0.45, 0.25]
    found = doubts.doubts(clips, CATEGORIES, probabilities)
    assert found.doubted == ()
    assert found.classes[0].wrong == 1


def test_errors_are_counted_by_clip_by_recording_and_by_what_they_are_taken_for(clips):
    probabilities = answers(clips)
    for row in (0, 1, 2):  # of two recordings
        probabilities[:, row] = [0.1, 0.7, 0.2]
    probabilities[:, 7] = [0.1, 0.2, 0.7]
    probabilities[0, 30] = [0.5, 0.3, 0.2]  # one network of three, outvoted
    bell, horn, siren = doubts.doubts(clips, CATEGORIES, probabilities).classes
    assert (bell.clips, bell.recordings, bell.wrong, bell.wrong_recordings) == (20, 10, 4, 3)
    assert bell.taken_for == (("horn", 3), ("siren", 1))
    assert bell.error == pytest.approx(4 / 20)
    assert (horn.wrong, horn.taken_for, horn.usually_for) == (0, (), "bell")
    assert horn.error == pytest.approx(1 / 60)
    assert (siren.error, siren.usually_for) == (0, None)


def test_a_network_s_answers_are_calibrated_and_put_in_the_asked_order(clips):
    shown = answers(clips, networks=1, sure=0.6)[0]  # often wrong
    boasted = shown**8 / (shown**8).sum(1, keepdims=True)  # the same, eight times too sure
    turned = Predictions(tuple(reversed(clips)), boasted[::-1])
    found = doubts.ordered(turned, clips, CATEGORIES)
    assert (found.argmax(1) == shown.argmax(1)).all()
    likelihood = [
        -np.log(each[np.arange(60), np.repeat([0, 1, 2], 20)]).mean() for each in (boasted, found)
    ]
    assert likelihood[1] < 0.8 * likelihood[0]


def test_all_networks_of_a_study_are_asked_and_no_clip_of_the_test_fold(opened):
    networks = doubts.predictions_in(opened.run, opened.plan)
    assert len(networks) == 4  # two configurations, two seeds
    assert {clip.fold for each in networks for clip in each.clips} == {2, 3}
    found = doubts.measure(opened)
    assert (found.networks, found.clips) == (4, 24)
    assert [each.category for each in found.classes] == ["bell", "horn", "siren"]


def test_fits_that_the_plan_does_not_name_have_no_say(opened):
    first = opened.plan.configurations[:1]
    plan = replace(opened.plan, seeds=1, configurations=first, committees=())
    (found,) = doubts.predictions_in(opened.run, plan)
    kept = [opened.run / "cnn" / "kfold" / f"fold-{fold}" / "seed-0" for fold in (2, 3)]
    wanted = [load_predictions(folder / "predictions.npz") for folder in kept]
    assert found.clips == wanted[0].clips + wanted[1].clips
    assert np.array_equal(found.probabilities, np.concatenate([w.probabilities for w in wanted]))
