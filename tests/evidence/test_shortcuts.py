from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from rich.console import Console
from torch import Generator, Tensor

from auricle.evidence import effects, shortcuts
from auricle.evidence.case import Case, Subject, open_case
from auricle.study.run import Setting


@pytest.fixture
def case(tiny_study: Path, tiny_set: Path) -> Case:
    return open_case(tiny_study, Setting(run=tiny_study), Console(), data=str(tiny_set), test=False)


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


def test_a_network_that_hears_loudness_alone_is_found_out(case: Case) -> None:
    cheat = loudness_study(case.subjects[0])
    (found,) = shortcuts.tempted([cheat], cheat.sample_rate_hz, case.console)
    effect = {each.cue: each.effect for each in found.shortcuts}
    assert found.untouched.accuracy.value == 1
    assert effect["level"].heard.accuracy.value == pytest.approx(1 / 3)
    assert effect["level"].worse
    assert effect["all"].worse
    assert effect["offset"].difference.value == 0
    assert not effect["padding"].told_apart


@pytest.mark.parametrize("cue", ["padding", "length"])
def test_padding_is_counted_and_taken_away(case: Case, cue: str) -> None:
    subject = case.subjects[0]
    waves = subject.store.waves.copy()
    waves[:5, 1200:] = 0
    padded = replace(subject, store=replace(subject.store, waves=waves))
    assert shortcuts.count_padded(subject) == 0
    assert shortcuts.count_padded(padded) == 5
    heard: list[Tensor] = []

    def listen(wave: Tensor, generator: Generator) -> Tensor:
        heard.append(shortcuts.cues(8000)[cue](wave, generator))
        return heard[-1]

    effects.answers([padded], listen)
    assert (torch.cat(heard)[:, 1250:].square().mean(1) > 1e-5).all()


def test_the_common_bandwidth_is_below_what_clips_can_have() -> None:
    assert shortcuts.bandwidth_hz(48_000) == 8_000
    assert shortcuts.bandwidth_hz(8_000) == 2_000


def test_a_study_has_an_answer_that_reads_back(case: Case) -> None:
    found = shortcuts.measure(case)
    kind = TypeAdapter(shortcuts.ShortcutsFound)
    assert kind.validate_json(kind.dump_json(found)) == found
    assert [each.configuration for each in found.configurations] == ["cnn", "transformer-h2"]
    assert (found.clips, found.padded) == (24, 0)
