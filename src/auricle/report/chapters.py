"""The report from its first word to its last."""

from collections.abc import Iterator

from auricle.report.answers import answers
from auricle.report.closing import assumptions, discussion, references, resources
from auricle.report.detail import detail
from auricle.report.document import Block, Document
from auricle.report.front import data_and_protocol, shown_name, summary
from auricle.report.methods import methods
from auricle.report.published import published
from auricle.report.results import results
from auricle.report.study_files import Study
from auricle.report.tried import tried
from auricle.report.tunings import tuned
from auricle.report.wording import listed


def make_document(study: Study) -> Document:
    """Everything there is to say about a study."""
    chapters = (
        summary,
        data_and_protocol,
        methods,
        results,
        detail,
        published,
        answers,
        tried,
        searched,
        discussion,
        assumptions,
        resources,
        references,
    )
    return Document(
        title=f"Sound classification on {shown_name(study)}",
        subtitle=subtitle(study),
        byline=f"auricle {study.environment.get('auricle', '')}, study “{study.plan['name']}”",
        date=str(study.environment["started"])[:10],
        blocks=[block for chapter in chapters for block in chapter(study)],
    )


def searched(study: Study) -> Iterator[Block]:
    """The searches that a study's recipes come from."""
    yield from tuned(study.tunings)


def subtitle(study: Study) -> str:
    """Which networks the report is about."""
    heads = sorted({each.heads for each in study.configurations if each.blocks})
    several = f"{listed([str(n) for n in heads])} attention {'heads' if heads != [1] else 'head'}"
    if not heads:
        return "A one-dimensional convolutional network on the waveform, validated without leaks"
    if len(heads) == len(study.configurations):
        return f"A one-dimensional convolutional network with a transformer encoder of {several}"
    return (
        "A one-dimensional convolutional network, and the same network under a transformer encoder "
        f"of {several}"
    )
