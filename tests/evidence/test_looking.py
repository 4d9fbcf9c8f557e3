import numpy as np
import pytest

from auricle.evidence import gallery, looking, traces
from auricle.evidence.case import Case
from auricle.network.frontend import FrontendConfig, band_edges_hz


@pytest.fixture(scope="module")
def found(opening, tmp_path_factory):
    """What is found of the small study, and what is kept of it."""
    folder = tmp_path_factory.mktemp("evidence")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Case, "folder", folder)
        answer = looking.measure(opening())
    with np.load(folder / "looking.npz") as kept:
        return answer, dict(kept)


def test_pointers_of_every_configuration_are_tested_and_kept(found):
    answer, kept = found
    cnn, transformer = answer.configurations
    assert [each.name for each in cnn.pointers] == ["gradient"]
    assert [each.name for each in transformer.pointers] == ["gradient", "last block", "rollout"]
    assert cnn.attention is None
    assert answer.shown == transformer.configuration
    falls = {
        each.name: np.mean([muted.marked for muted in each.muted])
        for each in transformer.pointers[1:]
    }
    assert transformer.attention == max(falls, key=lambda name: falls[name])
    for pointer in transformer.pointers:
        assert pointer.planted.chance == pytest.approx(looking.EVENT_SHARE)
        assert pointer.planted.found.low <= pointer.planted.found.value
        gains = [muted.marked - muted.loudest for muted in pointer.muted]
        assert pointer.over_loudest.value == pytest.approx(np.mean(gains), abs=1e-6)

    clips, frames = len(kept["files"]), traces.KEPT_FRAMES
    assert kept["folds"].shape == kept["categories"].shape == (clips,)
    assert set(kept["folds"]) <= {2, 3}
    assert kept["classes"].tolist() == ["bell", "horn", "siren"]
    assert kept["spectra"].shape == (clips, 16, frames)
    assert kept["spectra"].dtype == np.uint8
    assert (kept["spectra"].max((1, 2)) == 255).all()
    assert kept["envelopes"].shape == (clips, 500, 2)
    assert kept["envelopes"].dtype == np.float16
    assert (kept["seconds"], kept["low_hz"], kept["high_hz"]) == (0.3, 40, 4000)
    for each in answer.configurations:
        np.testing.assert_allclose(kept[f"prob_{each.configuration}"].sum(1), 1, rtol=1e-5)
        assert kept[f"gradient_{each.configuration}"].shape == (clips, 16, frames)
        assert kept[f"gradient_{each.configuration}"].dtype == np.uint8
    assert "attention_cnn" not in kept
    assert kept[f"attention_{answer.shown}"].shape == (clips, frames)
    assert kept[f"attention_{answer.shown}"].dtype == np.float16


def test_every_mistake_of_anyone_is_kept(found, opened):
    _, kept = found
    wrong = set()
    for subject in opened.subjects:
        for rows, network, waves in subject.batches():
            answers = network(waves)[0].argmax(1).numpy()
            wrong |= {
                subject.store.clips[row].file for row in rows[answers != subject.targets[rows]]
            }
    assert wrong <= set(kept["files"])


def test_pictures_are_of_the_surest_and_as_they_are_kept(found):
    answer, kept = found
    right = [each for each in answer.pictures if each.category == each.answer]
    mistakes = [each for each in answer.pictures if each.category != each.answer]
    assert answer.pictures == (*right, *mistakes)
    assert len({each.category for each in right}) == len(right) <= gallery.RIGHT_SHOWN
    assert len(mistakes) <= gallery.MISTAKES_SHOWN
    for shown in (right, mistakes):
        assert [-each.probability for each in shown] == sorted(-each.probability for each in shown)
    assert all(len(each.attention) == traces.KEPT_FRAMES for each in answer.pictures)
    rows = {file: row for row, file in enumerate(kept["files"].tolist())}
    both = [each for each in answer.pictures if each.file in rows]
    assert {each.file for each in mistakes} <= {each.file for each in both}
    assert both
    for each in both:
        assert each.spectrum == kept["spectra"][rows[each.file]].tobytes()
        assert each.gradient == kept[f"gradient_{answer.shown}"][rows[each.file]].tobytes()


def test_what_is_misheard_most_often_comes_first_and_the_surest_of_each_class_last():
    targets = np.array([0, 0, 0, 1, 1, 1])
    of_zero = np.array([[0.9, 0.4, 0.8, 0.7, 0.1, 0.2], [0.8, 0.6, 0.9, 0.4, 0.1, 0.95]])
    probabilities = np.stack([of_zero, 1 - of_zero], axis=2)
    mistakes = np.array([0, 1, 0, 4, 0, 1])
    # clips 1 and 5 were misheard as often: 5 is less likely (0.05) than 1 (0.4)
    kept = gallery.worth_keeping(mistakes, probabilities, targets)
    assert kept.tolist() == [3, 5, 1, 2, 0, 4]


def test_all_places_are_used_and_no_more():
    targets = np.repeat([0, 1], 100)
    of_zero = np.linspace(0.01, 0.99, 200)[None]
    probabilities = np.stack([of_zero, 1 - of_zero], axis=2)
    for mistakes in (np.zeros(200, int), np.ones(200, int)):
        kept = gallery.worth_keeping(mistakes, probabilities, targets)
        assert len(kept) == gallery.KEPT_CLIPS
        assert len({*kept}) == len(kept)


def test_mistakes_are_counted_over_all_configurations_and_seeds(opened, tools):
    subject = opened.subjects[0]
    told = tools.rows_of(opened.run / "predictions.csv")
    pooled = [row for row in told if (row["strategy"], row["member"]) == ("kfold", "pooled")]
    assert {row["seed"] for row in pooled} >= {"0", "1"}
    wrong = sum(row["prediction"] != row["category"] for row in pooled)
    assert gallery.mistakes_of(opened, subject).sum() == wrong


def test_a_level_meter_finds_what_is_planted(found):
    for each in found[0].configurations:
        assert each.level_found.value > 0.9


@pytest.mark.parametrize("own", [{"bands": 48}, {"bands": 20}, {"high_hz": 4_000.0}])
def test_a_gradient_is_laid_on_the_bands_of_the_spectrum_that_is_shown(own):
    own, shown = FrontendConfig(**own), FrontendConfig(bands=32)
    hz, shown_hz = (band_edges_hz(config)[1:-1].numpy() for config in (own, shown))
    lit = np.zeros((1, own.bands, 3), np.uint8)
    lit[0, own.bands // 2, 1] = 255
    laid = gallery.on_bands(lit, own, shown)
    assert laid.shape == (1, 32, 3)
    assert laid.dtype == np.uint8
    assert not laid[..., [0, 2]].any()
    peak_hz = shown_hz[laid[0, :, 1].argmax()]
    assert abs(np.log(peak_hz / hz[own.bands // 2])) < 0.12, "where that band is"
    even = gallery.on_bands(np.full((1, own.bands, 1), 200, np.uint8), own, shown)[0, :, 0]
    assert set(even) <= {0, 200}
    assert (even[shown_hz <= hz[-1]] == 200).all()
    assert (even[shown_hz > 1.2 * hz[-1]] == 0).all()
    assert gallery.on_bands(lit, own, own) is lit
