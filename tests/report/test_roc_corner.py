"""The one figure of ROC curves that paper has."""

from dataclasses import replace
from pathlib import Path

from auricle.report import detail, rocs
from auricle.report.document import Either, Figure
from auricle.report.headlines import out_of_fold
from auricle.report.scores import RocCurve
from auricle.report.study_files import read_study


def test_paper_has_one_figure_of_roc_curves_and_the_page_all(mission: Path) -> None:
    study = read_study(mission)
    (either,) = (block for block in detail.roc(study) if isinstance(block, Either))
    page, paper = (
        [block.name for block in side if isinstance(block, Figure)]
        for side in (either.page, either.paper)
    )
    assert page == [f"roc-{each.name}" for each in study.configurations]
    assert paper == ["roc-corner"]
    (figure,) = (block for block in either.paper if isinstance(block, Figure))
    for each in study.configurations:
        assert f"`{each.name}`: ROC curves with a mean area of" in figure.caption


def test_the_categories_drawn_are_those_with_the_smallest_areas(mission: Path) -> None:
    study = read_study(mission)
    view = out_of_fold(study)
    assert view
    row = view.drawn(study.configurations[0])
    assert row
    areas = {each.category: each.auc for each in row.per_class}
    lowest = rocs.lowest_areas([row])
    assert len(lowest) == rocs.IN_A_CORNER
    assert max(areas[name] for name in lowest) <= min(
        area for name, area in areas.items() if name not in lowest
    )


def test_curves_without_a_mistake_are_drawn_all_the_same(mission: Path) -> None:
    study = read_study(mission)
    view = out_of_fold(study)
    assert view
    row = view.drawn(study.configurations[0])
    assert row
    perfect = replace(row, roc=(RocCurve("dog", (0.0, 0.0, 1.0), (0.0, 1.0, 1.0)),))
    assert "cnn" in rocs.roc_corner([("kfold", [("cnn", perfect)])], ["dog"])
