"""The report of a study as it is handed in: a title page, and nothing that leads to other files."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from auricle.report.chapters import make_document
from auricle.report.document import (
    Block,
    Document,
    Explorer,
    Figure,
    Heading,
    Paragraph,
    Table,
    chosen,
    code,
    plain,
)
from auricle.report.study_files import Study


def submission_document(
    study: Study, *, name: str, roll: str, colab_url: str | None, strange: bool
) -> Document:
    """The study's report under a student's name; `strange` if the file trains other networks."""
    report = make_document(study)
    blocks = [
        replace(block, source="") if isinstance(block, Figure | Table) else block
        for block in on_paper(tuple(chosen(report.blocks, "paper")))
    ]
    link = f"[{plain(colab_url)}]({colab_url})" if colab_url else "not shared yet"
    version, commit = (study.environment.get(key, "") for key in ("auricle", "commit"))
    trains = (
        "It trains today's configurations of the project, which are not those of this study."
        if strange
        else "It trains the configurations of this report, and repeats their scores."
    )
    return replace(
        report,
        author=name,
        cover=(
            ("Name", plain(name)),
            ("Roll number", plain(roll)),
            ("Notebook on Colab", link),
            ("Handed in with it", code(f"{roll}.py")),
            ("Made with", f"auricle {plain(version)}, commit {plain(commit)}"),
        ),
        blocks=(
            Heading("What is handed in", 1, "handed-in"),
            Paragraph(
                f"Beside this report there is one file of Python, {code(f'{roll}.py')}. It holds "
                "both architectures, training, validation, tuning, test and figures, and runs "
                f"alone. {trains} File, report and study were made with auricle, a free project; "
                "the sections below say how everything was obtained."
            ),
            *blocks,
        ),
    )


def on_paper(blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks without the chapter whose answers only a page can open."""
    starts = [at for at, each in enumerate(blocks) if isinstance(each, Heading) and each.level == 1]
    chapters = [blocks[a:b] for a, b in zip(starts, [*starts[1:], len(blocks)], strict=True)]
    for chapter in chapters:
        if not any(isinstance(each, Explorer) for each in chapter):
            yield from chapter
