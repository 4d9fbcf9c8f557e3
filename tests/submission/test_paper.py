"""The report as it is handed in: it leads to nothing that is not."""

from types import SimpleNamespace

from auricle.report.closing import tracking
from auricle.report.document import Column, Figure, Paragraph, Table
from auricle.submission.paper import alone


def test_a_reader_is_sent_to_no_file_and_the_author_to_no_command():
    table = Table(
        "tried",
        "What was tried.",
        [Column("what")],
        [["width 64"]],
        note="Fold 1 is left out. Every row, and more, stands in the study's report.html.",
        source="tried.csv",
    )
    assert alone(table).note == "Fold 1 is left out."
    assert not alone(table).source
    assert not alone(Figure("curve", "<svg/>", "A curve.", "It rises.", source="a.csv")).source
    said = {"mode": "offline", "project": "sounds", "sync": "wandb sync RUN/*/wandb/offline-run-*"}
    for tracked in (said, said | {"sync": None}):
        _, offline = tracking(SimpleNamespace(tracking=tracked))
        assert "wandb-url" in offline.text
        expected = "All fits were logged offline under the project `sounds`, epoch by epoch."
        assert alone(offline).text == expected
    _, online = tracking(SimpleNamespace(tracking=said | {"url": "https://wandb.ai/me/sounds"}))
    assert alone(online) == online == Paragraph(online.text)
