"""Commands about models: `predict`, `export`, `parity`, `demo`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter, validators

from auricle.commands.options import Data, Device, Labels, Ledger
from auricle.errors import AuricleError

ModelPlace = Annotated[
    Path | None,
    Parameter(
        help="A bundle, or the folder of a study (its best fit) or of a fit; the network of ESC-10 "
        "that comes along if none."
    ),
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class WebPage:
    """A page for any static host, instead of a bundle."""

    web: Annotated[
        Path,
        Parameter(help="Write the page of `auricle demo` into this folder instead, for any host."),
    ]
    ort_web: Annotated[
        Path | None,
        Parameter(help="Folder with onnxruntime-web for it; npm fetches that if none."),
    ] = None
    sounds: Annotated[
        Path | None, Parameter(help="Folder of sounds to try on it; synthesised ones if none.")
    ] = None


def predict(
    files: Annotated[
        list[str],
        Parameter(help="Sound files, folders of them, patterns, or - for standard input."),
    ],
    /,
    *,
    model: ModelPlace = None,
    form: Annotated[
        Literal["text", "csv", "jsonl", "audacity"],
        Parameter(name="--format", help="What is printed; audacity is a label track."),
    ] = "text",
    device: Device = "auto",
    workers: Annotated[
        int,
        Parameter(
            validator=validators.Number(gte=1), help="Files heard at a time, for large folders."
        ),
    ] = 1,
) -> int:
    """Print what each file is, and how probable that is, or that it is unknown.

    That is an answer too unsure, or a sound too strange: one whose texture is unlike that of any
    class. It means no more: many sounds of no class still pass for one, as noise does for rain. A
    bundle's model card says from where on a sound is unknown, and what share of such sounds passed,
    where that was measured. CSV and JSON lines tell how strange each sound is; clips of a class are
    about 1.

    A sound shorter than a clip is heard twice, followed by silence and repeated until the clip is
    full, and the answers are averaged. A recording longer than a clip is heard in windows that
    overlap, and told as events with their start and end. A file that cannot be used is told and
    does not stop the rest: exit code 3.

    For example:

    `auricle predict bark.wav rain.ogg`

    `auricle predict bark.wav --model runs/mission`

    `auricle predict recordings/ --model doorbell.zip --format csv > events.csv`

    `auricle predict night.flac --model doorbell.zip --format audacity > night.txt`
    """
    from auricle.ship.model import SHIPPED
    from auricle.ship.predict import predict_files

    return predict_files(files, model or SHIPPED, device, form, workers)


def export(
    run: Annotated[
        Path, Parameter(help="A study's folder (its best fit) or a fit's; for --web also a bundle.")
    ],
    /,
    *,
    out: Annotated[
        Path | None,
        Parameter(help="Folder, or a file that ends in .zip; NAME-bundle in this folder if none."),
    ] = None,
    name: Annotated[str | None, Parameter(help="What the model is called.")] = None,
    onnx: Annotated[
        bool, Parameter(help="Add the network as ONNX, in float32 and in int8.")
    ] = False,
    data: Annotated[
        str | None,
        Parameter(help="Where the clips are that it learnt from, to settle int8 on."),
    ] = None,
    labels: Labels | None = None,
    page: WebPage | None = None,
) -> None:
    """Make a bundle of the best network: weights, what it hears and says, and a model card.

    For example:

    `auricle export runs/mission`

    `auricle export runs/mission --out doorbell.zip --name doorbell`

    `auricle export runs/mission --onnx` - for browsers, phones and other languages too

    `auricle export runs/mission --web page` - a page that runs the network in the browser
    """
    from auricle.ship.export import export as make_bundle
    from auricle.study.command import labels_of

    if page:
        if out or name or onnx or data:
            raise AuricleError("--web writes a page alone: leave --out, --name, --onnx, --data out")
        from auricle.demo.web import write_web

        print(write_web(run, page.web, ort=page.ort_web, sounds=page.sounds))
        return
    told = labels_of(**vars(labels or Labels()))
    print(make_bundle(run, out, name, onnx=onnx, data=data, labels=told, say=print))


def parity(
    bundle: Annotated[Path, Parameter(help="A bundle that auricle export made with --onnx.")],
    /,
    *,
    data: Data = None,
    test: Annotated[
        bool, Parameter(help="Put the sealed test clips, not those of the development folds.")
    ] = False,
    reason: Annotated[str, Parameter(help="Why the test fold is opened.")] = "auricle parity",
    ledger: Ledger = None,
    study: Annotated[
        Path | None, Parameter(help="Study that it was made of; its report tells what is found.")
    ] = None,
    ort_web: Annotated[
        Path | None,
        Parameter(help="Folder that holds onnxruntime-web; npm fetches it if none is named."),
    ] = None,
    labels: Labels | None = None,
) -> int:
    """Certify that a bundle's ONNX files answer as the trained network; exit with 1 if they do not.

    PyTorch, onnxruntime in float32 and int8, and onnxruntime-web in Chromium are put the same
    samples. What this machine lacks is left out, and the certificate, parity.json, says so.

    For example:

    `auricle parity esc10-bundle --data PATH/TO/ESC-10`

    `auricle parity esc10-bundle --test --study runs/mission --ledger docs/test_reads.csv`
    """
    from rich.console import Console

    from auricle.report import write_report
    from auricle.ship.parity import certify
    from auricle.study.command import labels_of

    found = certify(
        bundle,
        data=data,
        labels=labels_of(**vars(labels or Labels())),
        test=test,
        reason=reason,
        ledger=ledger,
        study=study,
        web=ort_web,
        console=Console(markup=False, highlight=False),
    )
    if study:
        for page in write_report(study):
            print(page)
    return 0 if found.holds else 1


def demo(
    model: ModelPlace = None,
    /,
    *,
    host: Annotated[
        str, Parameter(help="Address to listen at; 0.0.0.0 lets a whole network in.")
    ] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen at; 0 takes any that is free.")] = 8765,
    open_page: Annotated[bool, Parameter(name="--open", help="Open the page in a browser.")] = True,
    sounds: Annotated[
        Path | None,
        Parameter(
            help="Folder of sounds to try; clips of a fetched ESC-10 or synthesised if none."
        ),
    ] = None,
) -> None:
    """Show a model live: a page that hears files, recordings and the microphone as it goes.

    No sound leaves the machine. Programs may ask too: POST /api/predict, described by
    /openapi.json.

    For example:

    `auricle demo`

    `auricle demo runs/mission`

    `auricle demo doorbell.zip --sounds my-clips --no-open`
    """
    from auricle.demo.command import demonstrate

    demonstrate(model, host=host, port=port, open_page=open_page, sounds=sounds)
