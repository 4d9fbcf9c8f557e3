"""The report of a study as it is handed in: a title page, and nothing that leads to other files."""

import re
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
    blocks = [alone(block) for block in on_paper(tuple(chosen(report.blocks, "paper")))]
    link = f"[{plain(colab_url)}]({colab_url})" if colab_url else "not shared yet"
    version, commit = (study.environment.get(key, "") for key in ("auricle", "commit"))
    trains = (
        "It trains today's configurations of the project, which are not those of this study."
        if strange
        else "It trains the configurations of this report, and repeats their scores with the same "
        "seeds, processor and version of PyTorch."
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


def alone(block: Block) -> Block:
    """A block that leads to no file and no command of a study that is not handed in."""
    if isinstance(block, Table):
        return replace(block, source="", note=without_asides(block.note))
    if isinstance(block, Figure):
        return replace(block, source="")
    if isinstance(block, Paragraph):
        return replace(block, text=without_asides(block.text))
    return block


_ASIDES = re.compile(
    r" ?Every row, [^.]* stands in the study's report\.html\."
    r"|; [^;]*`wandb sync.* address here(?=\.)",
    re.DOTALL,
)


def without_asides(text: str) -> str:
    """Text without what sends its reader to other files, or its author to a command."""
    return _ASIDES.sub("", text)


def on_paper(blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks without the chapter whose answers only a page can open."""
    starts = [at for at, each in enumerate(blocks) if isinstance(each, Heading) and each.level == 1]
    chapters = [blocks[a:b] for a, b in zip(starts, [*starts[1:], len(blocks)], strict=True)]
    for chapter in chapters:
        if not any(isinstance(each, Explorer) for each in chapter):
            yield from chapter
