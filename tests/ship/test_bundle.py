import json
import math
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from auricle.errors import BundleError
from auricle.ship.bundle import (
    CARD,
    FACTS,
    FORMAT,
    REMEMBERED,
    WEIGHTS,
    certificate,
    earlier_in,
    hashes,
    load_bundle,
    write_bundle,
)
from auricle.ship.export import export
from auricle.ship.model import load_model
from auricle.study.fits import best_fit, load_fit

PARTS = ("kernels", "weights")
"""Of a filter bank that is fixed."""


@pytest.fixture(scope="session")
def shipped(tiny_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the small study's best network. Read it, leave it alone."""
    return export(tiny_study, tmp_path_factory.mktemp("shipped") / "bells", "bells")


@pytest.fixture
def bundle(shipped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped, tmp_path / "bundle"))


@pytest.fixture
def wave() -> torch.Tensor:
    return torch.randn(2, 2_400, generator=torch.Generator().manual_seed(0)) / 10


def rewrite(bundle: Path, facts: dict[str, Any]) -> None:
    (bundle / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def facts_in(bundle: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bundle / FACTS).read_text(encoding="utf-8"))
    return found


def resign(bundle: Path) -> None:
    """Hash the files anew, as somebody would who changes them on purpose."""
    files = {name: (bundle / name).read_bytes() for name in (WEIGHTS, CARD)}
    rewrite(bundle, facts_in(bundle) | {"sha256": hashes(files)})


def test_a_reloaded_network_answers_as_the_one_that_was_trained(
    shipped: Path, tiny_study: Path, wave: torch.Tensor
) -> None:
    trained = load_fit(best_fit(tiny_study))
    found = load_bundle(shipped)
    with torch.no_grad():
        assert torch.equal(found.network(wave)[0], trained.network(wave)[0])
    assert found.facts.categories == trained.categories
    assert not found.network.training


def test_a_zip_holds_what_the_folder_holds(
    shipped: Path, tiny_study: Path, tmp_path: Path, wave: torch.Tensor
) -> None:
    place = export(tiny_study, tmp_path / "bells.zip", "bells")
    with zipfile.ZipFile(place) as archive:
        assert sorted(archive.namelist()) == sorted(file.name for file in shipped.iterdir())
    with torch.no_grad():
        ours, theirs = (load_bundle(where).network(wave)[0] for where in (place, shipped))
    assert torch.equal(ours, theirs)
    again = export(tiny_study, tmp_path / "again.zip", "bells")
    assert again.read_bytes() == place.read_bytes()


def test_what_never_learns_is_not_shipped(shipped: Path) -> None:
    kept = load((shipped / WEIGHTS).read_bytes())
    banks = {f"{bank}.{part}" for bank in ("frontend", "texture.bank") for part in PARTS}
    whole = load_bundle(shipped).network.state_dict()
    assert {*whole} - {*kept} == banks
    assert not {*kept} & banks


def test_what_the_texture_was_solved_to_is_shipped(shipped: Path, tiny_study: Path) -> None:
    kept = load((shipped / WEIGHTS).read_bytes())
    trained, found = load_fit(best_fit(tiny_study)).network, load_bundle(shipped).network
    assert trained.texture is not None
    assert found.texture is not None
    for part in ("centre", "scale", "linear.weight", "linear.bias"):
        assert kept[f"texture.{part}"].std() > 0, part
    wave = torch.randn(2, 2_400)
    with torch.no_grad():
        ours, theirs = (each(each.statistics(wave)) for each in (found.texture, trained.texture))
    assert torch.equal(ours, theirs)


def test_a_bundle_from_before_the_texture_answers_as_it_did(
    bundle: Path, wave: torch.Tensor
) -> None:
    kept, facts = load((bundle / WEIGHTS).read_bytes()), facts_in(bundle)
    before = {name: held for name, held in kept.items() if not name.startswith("texture.")}
    whole = load_bundle(bundle).network
    with torch.no_grad():
        wanted, _ = whole.classify(whole.frontend.power(wave))
    (bundle / WEIGHTS).write_bytes(save(before))
    del facts["network"]["texture"]
    rewrite(bundle, facts | {"format": 1})
    resign(bundle)

    found = load_bundle(bundle)

    assert found.network.texture is None
    with torch.no_grad():
        assert torch.equal(found.network(wave)[0], wanted)


def test_to_a_bundle_from_before_strangeness_no_sound_is_strange(
    bundle: Path, wave: torch.Tensor
) -> None:
    kept, facts = load((bundle / WEIGHTS).read_bytes()), facts_in(bundle)
    with torch.no_grad():
        wanted, _ = load_bundle(bundle).network(wave)
    before = {name: held for name, held in kept.items() if name not in REMEMBERED}
    assert len(before) == len(kept) - 2
    (bundle / WEIGHTS).write_bytes(save(before))
    rewrite(bundle, facts | {"format": 2})
    resign(bundle)

    found = load_bundle(bundle).network

    with torch.no_grad():
        assert torch.equal(found(wave)[0], wanted)
        assert found.texture.strangeness(found.describe(wave)).max() < 1e-9


def test_temperature_and_threshold_come_from_clips_that_were_not_heard(
    shipped: Path, tiny_study: Path
) -> None:
    facts = load_bundle(shipped).facts
    assert facts.temperature is not None
    assert facts.unknown_below is not None
    name = facts.learnt.configuration
    kept = [np.load(f) for f in (tiny_study / name).glob("kfold/*/seed-0/predictions.npz")]
    logits = np.log(np.concatenate([each["probabilities"] for each in kept]).astype(float))
    scaled = np.exp(logits / facts.temperature)
    sure = (scaled / scaled.sum(1, keepdims=True)).max(1)
    assert (sure >= facts.unknown_below).mean() == pytest.approx(0.95, abs=1 / len(sure))
    assert {fold for each in kept for fold in each["folds"]} == {2, 3}


def test_the_card_tells_the_scores_of_the_study(shipped: Path, tiny_study: Path) -> None:
    card = (shipped / CARD).read_text(encoding="utf-8")
    facts = load_bundle(shipped).facts
    assert card.startswith("---\nlibrary_name: auricle\n")
    found = json.loads((tiny_study / "scores.json").read_text(encoding="utf-8"))
    own = next(c for c in found["configurations"] if c["name"] == facts.learnt.configuration)
    refit = next(e for e in own["scores"] if e["strategy"] == "refit" and e["seed"] == "0")
    assert f"| this network | refit | test | {refit['declared']} | 12 | " in card
    assert "| its recipe | kfold | out-of-fold | " in card
    assert "holdout" not in card
    index = card.split("---")[1]
    assert index.count("type: accuracy") == 1
    assert f"value: {refit['accuracy']['value']:.4f}" in index
    assert facts.scores[0] == facts.own_scores[0]
    assert f"| {100 * refit['accuracy']['value']:.1f} |" in card
    pooled = (e for e in own["scores"] if (e["strategy"], e["member"]) == ("kfold", "pooled"))
    mean = next(entry for entry in pooled if entry["seed"] == "mean")  # no seed may stand for all
    told = [score for score in facts.scores if score.on == "out-of-fold"]
    assert [(each.declared, each.accuracy) for each in told] == [
        (mean["declared"], mean["accuracy"]["value"])
    ]
    assert all(category in card for category in facts.categories)
    assert "50% of the answer is that of a linear layer beside it" in card


def test_the_card_says_what_share_of_foreign_sounds_passed_where_that_was_measured(
    shipped: Path, tiny_study: Path, tmp_path: Path
) -> None:
    name = load_bundle(shipped).facts.learnt.configuration
    study = shutil.copytree(tiny_study, tmp_path / "study")
    refused = {"logit": (3.0, None, 0.5), "probability": (0.6, None, 0.774)}
    (study / "evidence").mkdir()
    (study / "evidence" / "unknown.json").write_text(found_unknown(name, refused), encoding="utf-8")
    said: list[str] = []

    measured = export(study, tmp_path / "measured", "bells", say=said.append)

    facts = load_bundle(measured).facts
    assert (facts.unknown_passed, facts.strange_above) == (0.774, None)
    assert facts.unknown_below == load_bundle(shipped).facts.unknown_below
    (told,) = said
    assert "by probability alone" in told
    assert f"auricle evidence {study} --part unknown" in told
    assert "77% passed for known" in (measured / CARD).read_text(encoding="utf-8")
    assert load_bundle(shipped).facts.unknown_passed is None
    assert "many sounds of no category pass for known" in (shipped / CARD).read_text(
        encoding="utf-8"
    )


def found_unknown(name: str, refused: dict[str, tuple[float | None, float | None, float]]) -> str:
    """`unknown.json` as far as an export reads it: below, above and accepted of each score."""
    refusals = [
        {"score": score, "below": below, "above": above, "accepted": accepted}
        for score, (below, above, accepted) in refused.items()
    ]
    other = {"configuration": "other", "refusals": [{"score": "both", "below": 0.1}]}
    asked = {"configuration": name, "temperature": 1.0, "refusals": refusals}
    return json.dumps({"configurations": [other, asked]})


UNTAUGHT = {"probability": 0.5, "strangeness": 0.7, "both": 0.61}


def test_both_limits_of_a_model_are_those_that_its_study_found_together(
    shipped: Path, tiny_study: Path, tmp_path: Path
) -> None:
    before = load_bundle(shipped).facts
    study = Path(shutil.copytree(tiny_study, tmp_path / "study"))
    refused = {
        "probability": (0.6, None, 0.774),
        "strangeness": (None, 1.5, 0.6),
        "both": (0.25, 1.375, 0.423),
    }
    (study / "evidence").mkdir()
    (study / "evidence" / "unknown.json").write_text(
        found_unknown(before.learnt.configuration, refused), encoding="utf-8"
    )
    together = [{"rule": rule, "accepted": {"value": share}} for rule, share in UNTAUGHT.items()]
    strangers = {"configuration": before.learnt.configuration, "together": together}
    (study / "evidence" / "strangers.json").write_text(json.dumps(strangers), encoding="utf-8")
    said: list[str] = []

    place = export(study, tmp_path / "both", "bells", say=said.append)

    facts = load_bundle(place).facts
    assert said == []
    assert facts.temperature == before.temperature
    assert (facts.unknown_below, facts.strange_above, facts.unknown_passed) == (0.25, 1.375, 0.423)
    for model in (load_model(place), load_model(study)):
        assert (model.unknown_below, model.strange_above) == (0.25, 1.375)
        assert model.temperature == before.temperature
    card = (place / CARD).read_text(encoding="utf-8")
    assert "less sure than 25% is called unknown, and so is a sound too strange" in card
    assert "more than 1.38 times as far from that of every category" in card
    assert "Unknown means unsure or strange, no more" in card
    assert "42% passed for known" in card
    assert facts.untaught_passed == UNTAUGHT["both"]
    assert before.untaught_passed is None
    assert "61% of its sounds passed for another" in card
    (study / "evidence" / "strangers.json").write_text(
        json.dumps(strangers | {"configuration": "other"}), encoding="utf-8"
    )
    assert (
        load_bundle(export(study, tmp_path / "of-another", "bells")).facts.untaught_passed is None
    )
    assert "strange" not in (shipped / CARD).read_text(encoding="utf-8")
    assert load_model(shipped).strange_above == math.inf


def test_facts_name_the_clips_that_were_heard_and_those_that_stayed_sealed(shipped: Path) -> None:
    learnt = load_bundle(shipped).facts.learnt
    assert (learnt.strategy, learnt.folds) == ("refit", (2, 3))
    assert (len(learnt.heard), len(learnt.sealed)) == (24, 12)
    assert not {*learnt.heard} & {*learnt.sealed}


def test_no_path_is_in_a_bundle(shipped: Path, tiny_set: Path, tiny_study: Path) -> None:
    for file in (FACTS, CARD):
        text = (shipped / file).read_text(encoding="utf-8")
        assert str(tiny_set.parent) not in text
        assert str(tiny_study.parent) not in text


@pytest.mark.parametrize("name", [WEIGHTS, CARD])
def test_a_changed_byte_is_refused(bundle: Path, name: str) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[-1] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"{name} is not what its hash says"):
        load_bundle(bundle)


def test_a_missing_file_is_told_by_name(bundle: Path) -> None:
    (bundle / CARD).unlink()
    with pytest.raises(BundleError, match=f"{CARD} is missing"):
        load_bundle(bundle)


def test_a_later_format_is_refused_before_anything_else_is_read(bundle: Path) -> None:
    rewrite(bundle, {"format": FORMAT + 1, "written": "otherwise"})
    with pytest.raises(BundleError, match=r"made by a later auricle.*get a later one"):
        load_bundle(bundle)


def test_weights_of_another_shape_are_refused(bundle: Path) -> None:
    kept = load((bundle / WEIGHTS).read_bytes())
    last = next(name for name in reversed(kept) if name.endswith("weight"))
    kept[last] = torch.zeros(2, 2)
    (bundle / WEIGHTS).write_bytes(save(kept))
    resign(bundle)
    with pytest.raises(BundleError, match=r"does not fit this network.*size mismatch"):
        load_bundle(bundle)


def test_weights_too_few_or_too_many_are_refused(bundle: Path) -> None:
    kept = load((bundle / WEIGHTS).read_bytes())
    first = min(name for name in kept if name.endswith("weight"))
    for changed in (
        {name: value for name, value in kept.items() if name != first},
        kept | {"extra": torch.zeros(1)},
    ):
        (bundle / WEIGHTS).write_bytes(save(changed))
        resign(bundle)
        with pytest.raises(BundleError, match="does not fit this network"):
            load_bundle(bundle)


def test_weights_that_nobody_vouches_for_are_refused(bundle: Path) -> None:
    rewrite(bundle, facts_in(bundle) | {"sha256": {}})
    with pytest.raises(BundleError, match=f"does not name {WEIGHTS}"):
        load_bundle(bundle)


def test_a_graph_that_nobody_vouches_for_is_refused(bundle: Path) -> None:
    (bundle / "model.onnx").write_bytes(b"of another network")
    with pytest.raises(BundleError, match=r"model\.onnx is no part of the bundle"):
        load_bundle(bundle)


def test_a_bundle_replaces_a_bundle_and_nothing_else(bundle: Path, tmp_path: Path) -> None:
    found = load_bundle(bundle)
    files = {name: found.files[name] for name in found.facts.sha256}
    told = replace(found.facts, sha256=hashes(files | {"model.onnx": b"a graph"}))
    again = tmp_path / "again"
    write_bundle(again, told, files | {"model.onnx": b"a graph"})
    (again / "parity.json").write_text("of that graph", encoding="utf-8")
    (again / "notes.txt").write_text("mine", encoding="utf-8")
    write_bundle(again, found.facts, files)
    assert {file.name for file in again.iterdir()} == {*files, "bundle.json", "notes.txt"}
    load_bundle(again)
    (again / "model.onnx").write_bytes(b"of nobody knows which network")
    with pytest.raises(BundleError, match=r"model\.onnx is no part of the bundle here"):
        write_bundle(again, found.facts, files)


@pytest.mark.parametrize("name", ["folder", "other.zip"])
def test_where_something_else_is_no_bundle_is_written(
    bundle: Path, tmp_path: Path, name: str
) -> None:
    found = load_bundle(bundle)
    files = {name: found.files[name] for name in found.facts.sha256}
    place = tmp_path / name
    if place.suffix:
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("README.md", "mine")
    else:
        place.mkdir()
        (place / "README.md").write_text("mine", encoding="utf-8")
    before = [file.read_bytes() for file in [place, *place.rglob("*")] if file.is_file()]
    with pytest.raises(BundleError, match="something else is here"):
        write_bundle(place, found.facts, files)
    assert before == [file.read_bytes() for file in [place, *place.rglob("*")] if file.is_file()]


def test_no_file_outside_a_bundle_is_its_own(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    told = facts_in(bundle)
    rewrite(bundle, told | {"sha256": told["sha256"] | {"../precious.txt": "0" * 64}})
    assert "../precious.txt" not in earlier_in(bundle)


@pytest.mark.parametrize("spoilt", [{"clip_s": "long"}, {"categories": 3}, {"network": {"x": 1}}])
def test_facts_that_make_no_sense_are_told_by_their_key(
    bundle: Path, spoilt: dict[str, Any]
) -> None:
    rewrite(bundle, facts_in(bundle) | spoilt)
    with pytest.raises(BundleError, match=rf"{FACTS}: .*{next(iter(spoilt))}"):
        load_bundle(bundle)


@pytest.mark.parametrize("what", ["nothing", "folder", "text", "list"])
def test_what_is_no_bundle_is_told(tmp_path: Path, what: str) -> None:
    place = tmp_path / "it"
    if what == "folder":
        place.mkdir()
    elif what == "text":
        place.write_text("not a zip", encoding="utf-8")
    elif what == "list":
        place.mkdir()
        (place / FACTS).write_text("[]", encoding="utf-8")
    with pytest.raises(BundleError, match=r"bundle|zip"):
        load_bundle(place)


def test_a_fit_alone_is_exported_without_scores(
    tiny_study: Path, tmp_path: Path, auricle: Any
) -> None:
    fit = Path(shutil.copytree(best_fit(tiny_study), tmp_path / "a" / "b" / "c" / "fit"))
    told = auricle("export", fit, "--out", tmp_path / "bundle")
    assert told.code == 0, told.err
    facts = load_bundle(tmp_path / "bundle").facts
    assert facts.scores == ()
    assert facts.temperature is None
    assert "Not measured" in (tmp_path / "bundle" / CARD).read_text(encoding="utf-8")


def test_a_published_study_has_no_weights_to_export(tmp_path: Path, auricle: Any) -> None:
    told = auricle("export", tmp_path, "--out", tmp_path / "bundle")
    assert told.code == 1
    assert len(told.err.strip().splitlines()) == 1


def test_a_certificate_goes_with_the_bundle_that_it_is_of(bundle: Path, tmp_path: Path) -> None:
    zipped = tmp_path / "model.zip"
    held = load_bundle(bundle)
    write_bundle(zipped, held.facts, {n: c for n, c in held.files.items() if n != FACTS})
    certificate(zipped).write_text("{}", encoding="utf-8")
    write_bundle(zipped, held.facts, {n: c for n, c in held.files.items() if n != FACTS})
    assert not certificate(zipped).exists()


def test_a_folder_that_is_no_bundle_is_not_read(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "large.bin").write_bytes(b"1")
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"{self} was read"))
    with pytest.raises(BundleError, match="no bundle is here"):
        load_bundle(tmp_path)
