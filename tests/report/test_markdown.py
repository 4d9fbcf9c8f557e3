from collections.abc import Callable
from pathlib import Path

from auricle.report.markdown import comparative_table
from auricle.report.study_files import read_study

PUBLISHED = Path(__file__).parents[2] / "reports" / "esc10"


def cells(line: str) -> list[str]:
    return line.strip("| ").split(" | ")


def test_a_committee_stands_apart_with_its_networks_and_all_their_parameters() -> None:
    study = read_study(PUBLISHED)
    (committee,) = study.scores.committees
    first, second, _, note = comparative_table(PUBLISHED).split("\n\n")
    assert [cells(line)[0] for line in first.splitlines()[2:]] == [
        each.name for each in study.configurations
    ]
    best, together = (cells(line) for line in second.splitlines()[2:])
    assert (best[0], together[0]) == (study.scores.best.out_of_fold, committee.name)
    networks = len(committee.of) * study.seeds
    assert together[1].endswith(f", {networks} networks")
    assert best[1].endswith(f", {study.seeds} networks")
    trainable = committee.parameters["total"].trainable * study.seeds
    assert together[-1] == f"{trainable:,}"
    assert "uncertain by at least what their intervals say" in note


def test_every_fold_tested_has_its_three_figures() -> None:
    study = read_study(PUBLISHED)
    table = comparative_table(PUBLISHED).split("\n\n")[2].splitlines()
    assert cells(table[0])[1:] == ["all", "folds 2 to 5", "fold 1"]
    for line, (name, parts) in zip(table[2:], study.scores.esc5.items(), strict=True):
        values = [parts[part].value for part in ("all", "development", "test")]
        assert [name, *(f"{100 * value:.1f}" for value in values)] == [
            cell.partition(" ")[0] for cell in cells(line)
        ]


def test_what_is_right_without_the_texture_stands_beside_the_whole() -> None:
    first, *_ = comparative_table(PUBLISHED).split("\n\n")
    head, _, *lines = (cells(line) for line in first.splitlines())
    at = head.index("out of fold, base and head alone")
    found = read_study(PUBLISHED).evidence["texture"].configurations
    told = {each.configuration: f"{100 * each.events.accuracy.value:.1f}" for each in found}
    assert {line[0]: line[at].partition(" ")[0] for line in lines} == told


def test_without_committee_or_test_fold_the_table_is_all(make_study: Callable[..., Path]) -> None:
    run = make_study(
        categories=("bell", "door"), names=("cnn",), strategies=("kfold",), test=False, per_fold=4
    )
    lines = comparative_table(run).splitlines()
    assert [cells(line)[0] for line in lines] == ["configuration", "---", "cnn"]
    assert cells(lines[2])[4:7] == ["-", "-", "-"]
