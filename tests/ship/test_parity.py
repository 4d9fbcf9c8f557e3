import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import numpy_helper

from auricle.errors import AuricleError, FetchError
from auricle.ship import in_browser, parity
from auricle.ship.bundle import CARD, FACTS, WEIGHTS, hashes
from auricle.ship.onnx import INT8, MODEL, TEXTURE_WEIGHT
from auricle.ship.ort_web import ort_web

WITHOUT_BROWSER = ["pytorch", "onnx", "int8"]


@pytest.fixture
def bundle(with_onnx: Callable[[str], Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(with_onnx("transformer-h2"), tmp_path / "bundle"))


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path | None) -> dict[str, bytes]:
        raise FetchError("npm is not installed")

    monkeypatch.setattr(parity, "ort_web", refuse)


def certificate(place: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return found


def put_model(bundle: Path, content: bytes) -> None:
    """Exchange the graph, and hash the files anew."""
    (bundle / MODEL).write_bytes(content)
    files = {name: (bundle / name).read_bytes() for name in (WEIGHTS, CARD, MODEL, INT8)}
    facts = json.loads((bundle / FACTS).read_text(encoding="utf-8"))
    (bundle / FACTS).write_text(json.dumps(facts | {"sha256": hashes(files)}), encoding="utf-8")


def with_texture_turned_round(content: bytes) -> bytes:
    """The same graph with a texture that says the opposite."""
    model = onnx.load_from_string(content)
    (weight,) = (held for held in model.graph.initializer if held.name == TEXTURE_WEIGHT)
    weight.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(weight), TEXTURE_WEIGHT))
    changed: bytes = model.SerializeToString()
    return changed


@pytest.mark.usefixtures("no_browser")
def test_what_can_be_run_here_is_certified_and_what_cannot_is_said(
    bundle: Path, tiny_set: Path, auricle: Any
) -> None:
    told = auricle("parity", bundle, "--data", tiny_set)
    found = certificate(bundle / "parity.json")
    rows = {row["name"]: row for row in found["rows"]}
    assert [*rows] == WITHOUT_BROWSER
    assert found["left_out"] == ["browser: npm is not installed"]
    assert "left out: browser: npm is not installed" in told.out
    assert rows["onnx"]["largest_difference"] < 1e-5
    assert rows["onnx"]["agreement"] == 1
    assert 0 < rows["onnx"]["strangeness_difference"] < 1e-4
    assert rows["int8"]["strangeness_difference"] == rows["onnx"]["strangeness_difference"]
    assert rows["pytorch"]["unknown_otherwise"] == 0
    assert "onnx differs from pytorch in whether a clip is unknown for 0, strangeness" in told.out
    assert rows["int8"]["bytes"] == (bundle / INT8).stat().st_size
    assert all(row["ms_a_clip"] > 0 for row in rows.values())
    assert told.code == (0 if rows["int8"]["holds"] else 1), told.err


@pytest.mark.usefixtures("no_browser")
def test_development_clips_are_put_and_those_it_learnt_from_are_counted(
    bundle: Path, tiny_set: Path, auricle: Any
) -> None:
    told = auricle("parity", bundle, "--data", tiny_set)
    found = certificate(bundle / "parity.json")
    assert (found["on"], found["clips"], found["learnt"]) == ("development", 24, 24)
    assert "on 24 development clips of tones, 24 of which it learnt from" in told.out
    assert not (bundle / "test_reads.csv").exists()


@pytest.mark.usefixtures("no_browser")
def test_the_sealed_clips_are_put_where_asked_and_that_is_a_reading(
    bundle: Path, tiny_set: Path, tmp_path: Path, auricle: Any, tools: Any
) -> None:
    ledger = tmp_path / "reads.csv"
    auricle("parity", bundle, "--data", tiny_set, "--test", "--ledger", ledger)
    found = certificate(bundle / "parity.json")
    assert (found["on"], found["clips"], found["learnt"]) == ("test", 12, 0)
    (reading,) = tools.rows_of(ledger)
    assert reading["reason"] == "auricle parity"


@pytest.mark.usefixtures("no_browser")
def test_an_export_that_answers_otherwise_ends_with_one(
    bundle: Path, tiny_set: Path, auricle: Any
) -> None:
    put_model(bundle, with_texture_turned_round((bundle / MODEL).read_bytes()))
    told = auricle("parity", bundle, "--data", tiny_set)
    assert told.code == 1
    assert "onnx DOES NOT AGREE" in told.out
    rows = {row["name"]: row for row in certificate(bundle / "parity.json")["rows"]}
    assert (rows["onnx"]["holds"], rows["pytorch"]["holds"]) == (False, None)


@pytest.mark.usefixtures("no_browser")
def test_the_report_of_the_study_tells_of_it(
    bundle: Path, tiny_set: Path, tiny_study: Path, tmp_path: Path, auricle: Any
) -> None:
    study = Path(shutil.copytree(tiny_study, tmp_path / "study"))
    told = auricle("parity", bundle, "--data", tiny_set, "--study", study)
    assert "report.html" in told.out, told.err
    assert certificate(study / "parity.json") == certificate(bundle / "parity.json")
    page = (study / "report" / "report.html").read_text(encoding="utf-8")
    assert "Does the export agree?" in page
    assert "24 development clips, all of which it learnt from" in page


def test_a_bundle_without_onnx_is_told_how_to_get_it(
    bundle: Path, tiny_set: Path, auricle: Any
) -> None:
    facts = json.loads((bundle / FACTS).read_text(encoding="utf-8"))
    for name in (MODEL, INT8):
        (bundle / name).unlink()
        del facts["sha256"][name]
    (bundle / FACTS).write_text(json.dumps(facts), encoding="utf-8")
    told = auricle("parity", bundle, "--data", tiny_set)
    assert told.code == 1
    assert f"no {MODEL} is in it; make one with auricle export RUN --onnx" in told.err


@pytest.mark.usefixtures("chromium")
def test_a_browser_answers_as_the_network_and_decodes_files_by_itself(
    bundle: Path, tiny_set: Path, auricle: Any
) -> None:
    try:
        ort_web()
    except FetchError as problem:
        pytest.skip(str(problem))
    auricle("parity", bundle, "--data", tiny_set)
    found = certificate(bundle / "parity.json")
    assert found["left_out"] == []
    rows = {row["name"]: row for row in found["rows"]}
    assert [*rows] == [*WITHOUT_BROWSER, "browser", "browser-decoded"]
    assert rows["browser"]["largest_difference"] < 1e-5
    assert 0 < rows["browser"]["strangeness_difference"] < 1e-4
    assert 0 < rows["browser-decoded"]["agreement"] <= 1
    assert {"onnxruntime-web", "chromium"} <= found["versions"].keys()


def test_a_chromium_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_browser, "chromium_program", lambda: "/bin/false")
    with (
        pytest.raises(AuricleError, match="Chromium does not start"),
        in_browser.chromium(),
    ):
        pass
