"""The section on looking: where networks look, and whether their answers rest on it."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from scipy.ndimage import gaussian_filter

from auricle.evaluation.intervals import Interval
from auricle.evidence.gallery import Picture
from auricle.evidence.looking import Looked, LookingFound, Pointer
from auricle.evidence.pointers import GRADIENT, LAST_BLOCK, ROLLOUT
from auricle.evidence.traces import KEPT_FRAMES
from auricle.report.document import Block, Column, Figure, Heading, Paragraph, Table, code
from auricle.report.drawing import DASHES, INK, MARKERS, MUTED, SERIES, canvas, light_grid
from auricle.report.wording import category, listed, percent, points, with_interval

WORDS = {
    GRADIENT: "gradient",
    LAST_BLOCK: "attention of the last block",
    ROLLOUT: "attention rollout",
}
COLUMNS = 4
HALF = 0.5
OUTLINED = 0.4
"""Share of the largest gradient at which it is outlined."""
OUTLINE, LIGHT = "#ff5a4d", "#ffffff"  # on a spectrogram, which stays dark on any page


def section(found: LookingFound) -> Iterator[Block]:
    """Where do the networks look?"""
    attended = any(each.attention for each in found.configurations)
    yield Heading("Where do the networks look?", 2, "looking")
    yield Paragraph(
        "A pointer marks the moments of a clip that an answer is said to rest on, as base and head "
        "hear them. The *gradient* asks how each band at each moment raises the logit that these "
        "give the answer, from silence to the clip (integrated gradients, Sundararajan et al., "
        "2017)."
        + (
            " *Attention* is what the class token looks at: in the last block, or through all of "
            "them (rollout, Abnar and Zuidema, 2020)."
            if attended
            else ""
        )
        + " A picture of either is easily believed, so both were tested; "
        f"[@looking-pictures] shows what {code(found.shown)} points at."
    )
    yield Paragraph(_planted(found.configurations))
    yield Paragraph(
        "Does the answer rest on what is marked? The frames that a pointer marks most are "
        "exchanged for the clip's quietest ones; the probability that base and head give the "
        "answer must fall by more than with the same pattern at another time, with frames drawn by "
        "chance, and with the loudest frames. "
        + (
            "Quiet frames are near the silence that the gradient is counted from: the test is "
            "kinder to it than to attention. "
            if attended
            else ""
        )
        + " ".join(_muted(each) for each in found.configurations)
        + _harder(found.configurations)
        + "".join(_quiet(each) for each in found.configurations)
    )
    yield _pictures(found)
    yield _table(found.configurations)
    yield _curves(found.configurations)


def _planted(looked: Sequence[Looked]) -> str:
    chance = looked[0].pointers[0].planted.chance
    start = (
        f"The loudest {looked[0].event_s:.2g} s of every clip was planted in quiet noise at a "
        "place drawn by chance. A good pointer has its peak within that event; one that points "
        f"anywhere has it there in {_whole(chance)}% of the clips."
    )
    return " ".join([start, *(_peaks(each) for each in looked), *_level(looked[0])])


def _level(of: Looked) -> Iterator[str]:
    """What a level meter, which recognises nothing, would score under the same test."""
    if of.level_found is not None:
        yield (
            f"The loudest frame lies in {percent(of.level_found.value)}% of the events: to find "
            "them, a pointer need not know what they are."
        )


def _peaks(of: Looked) -> str:
    shares = [
        f"the {WORDS[pointer.name]} in {percent(found.value)}%"
        + ("" if found.low > pointer.planted.chance else ", no better than chance")
        for pointer in of.pointers
        for found in [pointer.planted.found]
    ]
    return f"Of {code(of.configuration)}, {listed(shares)}."


def _muted(of: Looked) -> str:
    """Against which frames the marked ones hold, in words; pointers of one verdict together."""
    by_verdict: dict[str, list[str]] = {}
    for pointer in of.pointers:
        by_verdict.setdefault(_verdict(pointer), []).append(f"the {WORDS[pointer.name]}")
    told = [
        f"{listed(names)} {'marks' if len(names) == 1 else 'mark'} what counts {verdict}"
        for verdict, names in by_verdict.items()
    ]
    return f"In {code(of.configuration)}, {'; '.join(told)}."


def _verdict(of: Pointer) -> str:
    rivals = {
        "the same pattern elsewhere": of.over_elsewhere,
        "frames drawn by chance": of.over_drawn,
        "the loudest frames": of.over_loudest,
    }
    more = [words for words, over in rivals.items() if over.low > 0]
    less = [words for words, over in rivals.items() if over.high < 0]
    same = [words for words in rivals if words not in more + less]
    shortfalls = [
        *([f"less than {listed(less)}"] if less else []),
        *([f"neither tellably more nor less than {listed(same)}"] if same else []),
    ]
    parts = [f"more than {listed(more)}" if more else "", ", and ".join(shortfalls)]
    caution = "" if of.holds else " (its marks must not be read as what the answer rests on)"
    return ", but ".join(part for part in parts if part) + caution


def _harder(looked: Sequence[Looked]) -> str:
    """Why scattered frames may be the harder rival, where some pointer beats only the other."""
    pointers = [pointer for each in looked for pointer in each.pointers]
    if all(of.over_drawn.low > 0 or of.over_elsewhere.low <= 0 for of in pointers):
        return ""
    return (
        " Frames drawn one by one lie scattered and leave no stretch whole that a convolution "
        "hears at once; marks lie together, as the same pattern at another time does."
    )


def _quiet(of: Looked) -> str:
    """How often what is shown of attention peaks where little is to be heard."""
    for pointer in of.pointers:
        if pointer.name == of.attention and (quiet := pointer.in_quiet):
            if quiet.high < HALF:
                verdict = "less than the half that chance would have"
            elif quiet.low > HALF:
                verdict = "more than the half that chance would have"
            else:
                verdict = "which cannot be told from the half that chance would have"
            return (
                f" In {with_interval(quiet)}% of the clips the {WORDS[pointer.name]} of "
                f"{code(of.configuration)} is highest among the quieter half of the frames, "
                f"{verdict}."
            )
    return ""


def _whole(share: float) -> str:
    return f"{100 * share:.0f}"


def _table(looked: Sequence[Looked]) -> Table:
    rows: list[list[str]] = []
    breaks: list[int] = []
    for each in looked:
        breaks.append(len(rows))
        rows += [_row(each, of) for of in each.pointers]
    return Table(
        "looking-table",
        "Pointers under test, with 95% intervals.",
        [
            Column("configuration", align="left"),
            Column("pointer", align="left"),
            Column("peak in event, %"),
            Column("elsewhere", "probability lost, points more than"),
            Column("by chance", "probability lost, points more than"),
            Column("loudest", "probability lost, points more than"),
        ],
        rows,
        note=_note(looked),
        dense=True,
        breaks=breaks[1:],
    )


def _row(of: Looked, pointer: Pointer) -> list[str]:
    found = pointer.planted.found
    return [
        code(of.configuration),
        WORDS[pointer.name],
        f"{percent(found.value)} [{percent(found.low)},\u00a0{percent(found.high)}]",
        *map(_excess, (pointer.over_elsewhere, pointer.over_drawn, pointer.over_loudest)),
    ]


def _excess(of: Interval) -> str:
    return f"{points(of.value)} [{points(of.low)},\u00a0{points(of.high)}]"


def _note(looked: Sequence[Looked]) -> str:
    shares = listed([_whole(each.fraction) for each in looked[0].pointers[0].muted])
    named = ", ".join(f"{code(each.configuration)} {percent(each.named)}%" for each in looked)
    sums = ", ".join(f"{code(each.configuration)} {percent(each.unexplained)}%" for each in looked)
    return (
        f"Probability lost: the mean over {shares}% of the frames. Attention cannot point more "
        "finely than the encoder's steps. Planted events that get the class of their clip, by base "
        f"and head: {named}. Of the logit, the gradient leaves unexplained, in the median: {sums}."
    )


def _curves(looked: Sequence[Looked]) -> Figure:
    with canvas("looking-curves", 64) as drawn:
        panels = drawn.figure.subplots(1, len(looked), squeeze=False, sharey=True)[0]
        for axes, each in zip(panels, looked, strict=True):
            muted = each.pointers[0].muted
            shares = [100 * of.fraction for of in muted]
            curves = {WORDS[of.name]: [m.marked for m in of.muted] for of in each.pointers}
            for at, (words, falls) in enumerate(curves.items()):
                axes.plot(
                    shares,
                    [100 * fall for fall in falls],
                    color=SERIES[at],
                    marker=MARKERS[at],
                    linestyle=DASHES[at],
                    markersize=3.5,
                    label=words,
                )
            for words, dash, falls in (
                ("loudest", "-", [of.loudest for of in muted]),
                ("drawn by chance", DASHES[2], [of.drawn for of in muted]),
            ):
                axes.plot(
                    shares, [100 * fall for fall in falls], color=MUTED, linestyle=dash, label=words
                )
            axes.set_title(each.configuration)
            axes.set_xlabel("frames exchanged, %")
            axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
            light_grid(axes)
        panels[0].set_ylabel("probability lost, points", color=INK)
        most = max(panels, key=lambda axes: len(axes.lines))
        drawn.figure.legend(handles=most.lines, loc="outside lower center", ncols=5)
    told = "; ".join(
        f"{each.configuration}, {WORDS[of.name]}: "
        + ", ".join(f"{points(m.marked)} at {_whole(m.fraction)}%" for m in of.muted)
        for each in looked
        for of in each.pointers
    )
    return Figure(
        "looking-curves",
        drawn.svg,
        "How much of the answer's probability, by base and head, is lost without the frames that "
        "are marked most. The higher above the grey lines, the better a pointer.",
        f"Curves of the probability lost against the share of frames exchanged. {told}.",
    )


def _pictures(found: LookingFound) -> Figure:
    lines = -(-len(found.pictures) // COLUMNS)
    with canvas("looking-pictures", 8 + 40 * lines) as drawn:
        grid = drawn.figure.subplots(lines, COLUMNS, squeeze=False, sharey=True)
        for axes in grid.flat[len(found.pictures) :]:
            axes.set_axis_off()
        for axes, picture in zip(grid.flat, found.pictures, strict=False):
            _picture(axes, picture, found.seconds)
            axes.set_yticks([])
        for axes in grid[-1]:
            axes.set_xlabel("s")
        grid[0, 0].set_ylabel(f"{found.low_hz:g} Hz to {found.high_hz / 1000:g} kHz")
    attended = any(picture.attention for picture in found.pictures)
    (shown,) = (each for each in found.configurations if each.configuration == found.shown)
    line = (
        " The white line is its attention: the higher, the more of it at that moment."
        if attended
        else ""
    ) + (f" {_caution(shown.failed)}" if shown.failed else "")
    told = "; ".join(
        f"{category(p.category)} answered {category(p.answer)} at {percent(p.probability)}%"
        for p in found.pictures
    )
    return Figure(
        "looking-pictures",
        drawn.svg,
        f"Where {code(found.shown)} looks: its surest right answers of two classes, then its "
        "surest mistakes. Red outlines hold what speaks most for the answer by the gradient."
        + line,
        f"Spectrograms with what the network points at. {told}.",
        floats=True,
    )


def _caution(names: Sequence[str]) -> str:
    return (
        f"Its {listed(names)} failed {'their tests' if len(names) > 1 else 'its test'}: the "
        "answers need not rest on what is marked."
    )


def _picture(axes: Axes, of: Picture, seconds: float) -> None:
    spectrum, gradient = (
        np.frombuffer(raw, np.uint8).reshape(-1, KEPT_FRAMES) for raw in (of.spectrum, of.gradient)
    )
    span = (0, seconds, 0, 1)
    axes.imshow(spectrum, origin="lower", aspect="auto", extent=span, cmap="cividis")
    smooth = gaussian_filter(gradient.astype(float), 1.5)
    if smooth.any():
        axes.contour(smooth, [OUTLINED * smooth.max()], extent=span, colors=OUTLINE, linewidths=0.8)
    if any(of.attention):
        height = np.array(of.attention) / max(of.attention)
        time_s = (np.arange(KEPT_FRAMES) + 0.5) * seconds / KEPT_FRAMES
        axes.plot(time_s, 0.02 + 0.9 * height, color=LIGHT, linewidth=1, drawstyle="steps-mid")
    right = of.category == of.answer
    told = category(of.category) if right else f"{category(of.category)}:\n{category(of.answer)}?"
    axes.set_title(f"{told} {percent(of.probability)}%")
