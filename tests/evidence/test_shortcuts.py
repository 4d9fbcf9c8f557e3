from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from torch import Generator, Tensor

from auricle.evidence import effects, shortcuts
from auricle.evidence.case import Case, Subject


class Loudness(torch.nn.Module):
    """Hears nothing but how loud a clip is: the category that its clips were recorded at."""

    def forward(self, wave: Tensor) -> tuple[Tensor, None]:
        level_db = 10 * wave.square().mean(1).log10()
        return -(level_db[:, None] - torch.tensor([-20.0, -40.0, -60.0])).abs(), None


def loudness_study(subject: Subject) -> Subject:
    """The same clips, each category at a level of its own, and networks that hear only that."""
    waves = subject.store.waves.astype(float)
    waves *= 3276.8 / np.sqrt(np.mean(waves**2, 1, keepdims=True))
    waves *= 10.0 ** -subject.targets[:, None]
    store = replace(subject.store, waves=np.rint(waves).astype(np.int16))
    return replace(subject, store=store, networks=dict.fromkeys(subject.networks, Loudness()))


def test_a_network_that_hears_loudness_alone_is_found_out(opened: Case) -> None:
    cheat = loudness_study(opened.subjects[0])
    (found,) = shortcuts.tempted([cheat], cheat.sample_rate_hz, opened.console)
    effect = {each.cue: each.effect for each in found.shortcuts}
    assert found.untouched.accuracy.value == 1
    assert effect["level"].heard.accuracy.value == pytest.approx(1 / 3)
    assert effect["level"].worse
    assert effect["all"].worse
    assert effect["offset"].difference.value == 0
    assert not effect["padding"].told_apart


def test_padding_is_counted_and_taken_away(opened: Case) -> None:
    subject = opened.subjects[0]
    waves = subject.store.waves.copy()
    waves[:5, 1200:] = 0
    padded = replace(subject, store=replace(subject.store, waves=waves))
    assert not shortcuts.padded(subject).any()
    assert np.flatnonzero(shortcuts.padded(padded)).tolist() == [0, 1, 2, 3, 4]
    heard: list[Tensor] = []

    def listen(wave: Tensor, generator: Generator) -> Tensor:
        heard.append(shortcuts.cues(8000)["padding"](wave, generator))
        return heard[-1]

    effects.answers([padded], listen)
    assert (torch.cat(heard)[:, 1250:].square().mean(1) > 1e-5).all()


def test_a_cue_that_too_few_recordings_have_is_no_question(opened: Case) -> None:
    subject = opened.subjects[0]
    waves = subject.store.waves - np.rint(subject.store.waves.mean(1, keepdims=True))
    still = replace(subject, store=replace(subject.store, waves=waves.astype(np.int16)))
    waves[subject.recordings == subject.recordings[0]] += 2_000
    moved = replace(subject, store=replace(subject.store, waves=waves.astype(np.int16)))
    assert shortcuts.recordings_with(still)["offset"] == 0
    assert shortcuts.recordings_with(moved)["offset"] == 1
    (found,) = shortcuts.tempted([moved], moved.sample_rate_hz, opened.console)
    told = {each.cue: each for each in found.shortcuts}
    assert [cue for cue, each in told.items() if each.testable] == ["bandwidth", "all"]
    for cue, each in told.items():
        if not each.testable:
            assert each.effect.p_holm == each.effect.p, cue
    p_values = sorted(told[cue].effect.p for cue in ("bandwidth", "all"))
    adjusted = sorted(told[cue].effect.p_holm for cue in ("bandwidth", "all"))
    assert adjusted[0] == pytest.approx(min(1, 2 * p_values[0]))


def test_six_recordings_are_the_fewest_that_can_be_told(opened: Case) -> None:
    (found,) = shortcuts.tempted(opened.subjects[:1], 8_000, opened.console)
    effect = found.shortcuts[0].effect
    told = [shortcuts.Shortcut("padding", number, effect).testable for number in (0, 1, 5, 6, 200)]
    assert told == [False, False, False, True, True]


def test_the_common_bandwidth_is_below_what_clips_can_have() -> None:
    assert shortcuts.bandwidth_hz(48_000) == 8_000
    assert shortcuts.bandwidth_hz(8_000) == 2_000


def test_a_study_has_an_answer_that_reads_back(opened: Case) -> None:
    found = shortcuts.measure(opened)
    kind = TypeAdapter(shortcuts.ShortcutsFound)
    assert kind.validate_json(kind.dump_json(found)) == found
    assert [each.configuration for each in found.configurations] == ["cnn", "transformer-h2"]
    assert (found.clips, found.padded) == (24, 0)
