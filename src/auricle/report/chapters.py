"""The report from its first word to its last."""

from auricle.report.answers import answers
from auricle.report.basis import data_and_protocol, shown_name
from auricle.report.closing import assumptions, discussion, references, resources
from auricle.report.detail import detail
from auricle.report.document import Document, sourced
from auricle.report.every import every_answer
from auricle.report.exported import exported
from auricle.report.front import summary
from auricle.report.gained import gained
from auricle.report.groups import searched
from auricle.report.methods import methods
from auricle.report.published import published
from auricle.report.results import results
from auricle.report.study_files import Study
from auricle.report.tried import tried
from auricle.report.tunings import tuned
from auricle.report.wording import listed


def make_document(study: Study) -> Document:
    """Everything there is to say about a study."""
    blocks = (
        *sourced(summary(study), "scores.json"),
        *data_and_protocol(study),
        *sourced(methods(study), "scores.json"),
        *sourced(results(study), "scores.json"),
        *sourced(detail(study), "scores.json"),
        *published(study),
        *every_answer(study),
        *answers(study),
        *sourced(exported(study), "parity.json"),
        *sourced(tried(study), "tried.csv"),
        *tuned(
            {f"tuning/{each.name}/trials.csv": each for each in study.tunings},
            study.plan["configurations"],
        ),
        *gained(study),
        *discussion(study),
        *assumptions(study),
        *sourced(resources(study), "environment.json"),
        *references(study),
    )
    return Document(
        title=f"Sound classification on {shown_name(study)}",
        subtitle=subtitle(study),
        byline=f"auricle {study.environment.get('auricle', '')}, study “{study.plan['name']}”",
        date=str(study.environment["started"])[:10],
        blocks=blocks,
    )


def subtitle(study: Study) -> str:
    """Which networks the report is about."""
    found = searched(study)
    own = [each for each in study.configurations if each.name not in found] or study.configurations
    heads = sorted({each.heads for each in own if each.blocks})
    several = f"{listed([str(n) for n in heads])} attention {'heads' if heads != [1] else 'head'}"
    if not heads:
        return "A one-dimensional convolutional network on the waveform, validated by recording"
    if len(heads) == len(own):
        return f"A one-dimensional convolutional network with a transformer encoder of {several}"
    return (
        "A one-dimensional convolutional network, and the same network under a transformer encoder "
        f"of {several}"
        + (", and what searches found" if len(own) < len(study.configurations) else "")
    )
