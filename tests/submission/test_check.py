"""The brief, item by item: each is missed as soon as it is taken away."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from auricle.report import started
from auricle.report.document import Figure, Heading, Paragraph
from auricle.report.pdf import set_pdf
from auricle.report.searches import Trial
from auricle.report.study_files import read_study
from auricle.report.tunings import Tuning
from auricle.study.recipe import merged, read_recipe, table_at, to_table
from auricle.submission import check as checking
from auricle.submission.paper import submission_document
from auricle.submission.program import SHIPPED, origins, write_program

ROLL, NAME = "B21EX042", "Ada Example"
COLAB = "https://colab.research.google.com/drive/shared"
PUBLISHED = Path(__file__).parents[2] / "reports" / "esc10"


@pytest.fixture(scope="module")
def published():
    """The mission as it is published, with a search laid and its runs sent."""
    study = read_study(PUBLISHED)
    tracking = {"mode": "online", "url": "https://wandb.ai/someone/esc10"}
    return replace(study, tracking=tracking, tunings=())


@pytest.fixture(scope="module")
def document(published):
    made = submission_document(published, name=NAME, roll=ROLL, colab_url=COLAB, strange=False)
    tuned = (Heading("Tuning", 1, "tuned"), Paragraph("What was searched."))
    return replace(made, blocks=(*made.blocks, *tuned))


@pytest.fixture(scope="module")
def handed_in(published, document, tmp_path_factory):
    folder = tmp_path_factory.mktemp("submission")
    program = write_program(published, name=NAME, roll=ROLL)
    (folder / f"{ROLL}.py").write_text(program.text, encoding="utf-8")
    (folder / f"{ROLL}.pdf").write_bytes(set_pdf(document, started(published.environment)))
    (folder / "colab").mkdir()
    return folder


@pytest.fixture(scope="module")
def facts(handed_in):
    """What the file builds, of whichever release the published study is."""
    found = checking.probe(handed_in / f"{ROLL}.py")
    assert not isinstance(found, str), found
    return found


@pytest.fixture
def complete(published, facts, monkeypatch):
    """Everything that the brief asks for; `missing` tells what a change of it takes away."""
    sizes = {each.name: each.parameters["total"].trainable for each in published.configurations}
    built = [{**each, "trainable": sizes.get(each["name"], 0)} for each in facts]
    state = SimpleNamespace(
        study=replace(published, tunings=(SimpleNamespace(name="cnn"),)),
        facts=[each for each in built if each["name"] in sizes],
    )
    monkeypatch.setattr(checking, "probe", lambda program: state.facts)
    return state


def missing(folder, state):
    items = checking.check(folder, state.study, name=NAME, roll=ROLL)
    assert len(items) > 20
    return {item.name for item in items if not item.holds}


def test_nothing_is_missing_where_all_is_there(handed_in, complete):
    assert missing(handed_in, complete) == set()


def test_files_are_one_of_each_kind_and_named_by_the_roll_number(handed_in, complete, tmp_path):
    for name in (f"{ROLL}.py", f"{ROLL}.pdf"):
        (tmp_path / name).write_bytes((handed_in / name).read_bytes())
    (tmp_path / "helpers.py").write_text("", encoding="utf-8")
    (tmp_path / "data.csv").write_text("", encoding="utf-8")
    assert missing(tmp_path, complete) == {
        "files: one Python file, named by the roll number",
        "files: nothing else beside them",
    }
    (tmp_path / f"{ROLL}.pdf").unlink()
    assert "report: there is one" in missing(tmp_path, complete)


@pytest.mark.parametrize(
    ("of", "changed", "item"),
    [
        ("cnn", {"convolutions": 2}, "code: three 1-D convolutions or more"),
        ("cnn", {"linear": 0}, "code: a fully-connected head on the convolutions"),
        ("cnn", {"base": []}, "code: one base under both"),
        ("cnn", {"epochs": 99}, "code: 100 epochs"),
        ("cnn", {"trainable": 1}, "code: the networks of the report"),
        ("transformer-h4", {"heads": 3}, "code: 1, 2 and 4 heads"),
        ("transformer-h2", {"blocks": 1}, "code: two encoder blocks or more"),
        ("transformer-h1", {"token_learns": False}, "code: a class token that is trained"),
        ("transformer-h1", {"rows_sum_to_one": False}, "code: multi-head self-attention"),
        ("transformer-h1", {"linear": 1}, "code: a perceptron head on the class token"),
        ("transformer-h1", {"built_in": ["MultiheadAttention"]}, "code: attention of its own"),
    ],
)
def test_what_the_file_builds_is_held_to_the_brief(complete, handed_in, of, changed, item):
    complete.facts = [
        {**each, **changed} if each["name"] == of else each for each in complete.facts
    ]
    program = handed_in / f"{ROLL}.py"
    items = checking.check_code(program, complete.study)
    assert [each.name for each in items if not each.holds] == [item]


def test_the_text_of_the_file_is_held_to_the_brief(complete, handed_in, tmp_path):
    text = (handed_in / f"{ROLL}.py").read_text(encoding="utf-8")
    file = tmp_path / f"{ROLL}.py"
    file.write_text(f"{text}\nimport librosa\nnn.MultiheadAttention(8, 2)\n", encoding="utf-8")
    found = {each.name: each for each in checking.check_code(file, complete.study)}
    libraries = found["code: nothing but PyTorch and libraries for sound, metrics, plots and W&B"]
    assert not libraries.holds
    assert libraries.told == "librosa"
    assert not found["code: attention of its own"].holds
    file.write_text("def broken(:\n", encoding="utf-8")
    (item,) = checking.check_code(file, complete.study)
    assert not item.holds


def test_a_file_that_does_not_load_is_told_with_its_reason(tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("raise KeyError('lost')\n", encoding="utf-8")
    assert checking.probe(file) == "KeyError: 'lost'"


def test_what_the_run_lacks_is_missed(complete):
    study = complete.study

    def lacking(**changed):
        items = checking.check_run(replace(study, **changed))
        return {item.name for item in items if not item.holds}

    assert lacking() == set()
    assert lacking(tunings=(), tried=()) == {"run: hyper-parameter tuning"}
    tracked = "run: accuracy and loss per epoch on Weights & Biases"
    assert lacking(tracking={"mode": "disabled"}) == {tracked}
    assert lacking(tracking={"mode": "offline", "url": None}) == {tracked}
    short = replace(study.fits[0], history={"epoch": study.fits[0].history["epoch"][:50]})
    assert lacking(fits=(short, *study.fits[1:])) == {"run: 100 epochs of every fit"}
    scores = study.scores
    fewer = replace(scores.dataset, development_folds=scores.dataset.development_folds[:3])
    assert lacking(scores=replace(scores, dataset=fewer)) == {"run: k-fold validation, k = 4"}
    without = tuple(each for each in scores.configurations if each.heads != 2)
    both = "run: both architectures, with 1, 2 and 4 heads"
    assert lacking(scores=replace(scores, configurations=without)) == {both}
    first, *others = scores.configurations
    for on, place in (("out-of-fold", "k-fold validation"), ("test", "the test split")):
        rows = tuple(replace(r, confusion=()) if r.on == on else r for r in first.scores)
        bare = replace(scores, configurations=(replace(first, scores=rows), *others))
        item = f"run: accuracy, F1, ROC-AUC, confusion matrix of each in {place}"
        assert lacking(scores=bare) == {item}


def test_what_the_report_lacks_is_missed(document, published, handed_in, tmp_path):
    paper, program = tmp_path / f"{ROLL}.pdf", handed_in / f"{ROLL}.py"
    listing = "def attend(query, key, value):\nreturn weights @ value, weights\nimport torch\n"

    def kept(block):
        drawn = isinstance(block, Figure) and block.name.startswith(("curves-", "roc-"))
        headed = getattr(block, "name", "") in ("assumptions", "tuned", "tried", "references")
        return not drawn and not headed

    blocks = [
        replace(block, text=block.text.replace("[@", "["))
        if isinstance(block, Paragraph)
        else block
        for block in document.blocks
        if kept(block)
    ]
    blocks.append(Paragraph(listing))
    poorer = replace(document, cover=(("Name", "Somebody Else"),), blocks=tuple(blocks))
    paper.write_bytes(set_pdf(poorer, started(published.environment)))
    items = checking.check_paper(paper, program, published, name=NAME, roll=ROLL)
    assert {item.name.removeprefix("report: ") for item in items if not item.holds} == {
        "name and roll number",
        "link to the notebook on Colab",
        "learning curves of each",
        "ROC curves of each",
        "tuning",
        "assumptions",
        "references",
        "no code",
    }


def test_screenshots_are_told_from_spectrograms(monkeypatch, handed_in, published):
    pages = ([""], [], [], [(3, 251, 64), (7, 1280, 800)])
    monkeypatch.setattr(checking, "read_paper", lambda paper: pages)
    paper = handed_in / f"{ROLL}.pdf"
    items = checking.check_paper(paper, paper.with_suffix(".py"), published, name=NAME, roll=ROLL)
    told = {item.name: item.told for item in items if not item.holds}
    assert told["report: no screenshot"] == "page 7, 1280 x 800 pixels"


def test_the_command_writes_three_files_and_tells_what_is_missing(auricle, tiny_study, tmp_path):
    asked = ["submit", "--roll-number", ROLL, "--name", NAME, "--run", tiny_study]
    made = auricle(*asked, "--out", tmp_path / "out")
    assert made.code == 0
    files = sorted(file.name for file in (tmp_path / "out").rglob("*") if file.is_file())
    assert files == [f"{ROLL}.ipynb", f"{ROLL}.pdf", f"{ROLL}.py"]
    assert "MISSING  run: k-fold validation, k = 4: k = 2" in made.out
    notebook = json.loads((tmp_path / "out" / "colab" / f"{ROLL}.ipynb").read_text("utf-8"))
    assert notebook["nbformat"] == 4


@pytest.mark.parametrize(
    ("option", "value", "match"),
    [
        ("--roll-number", "21/7", "it names two files"),
        ("--name", "\n", "can be printed"),
        ("--colab-url", "drive", "Colab's Share"),
    ],
)
def test_what_cannot_be_handed_in_is_refused(auricle, tmp_path, option, value, match):
    asked = {"--roll-number": ROLL, "--name": NAME, option: value}
    ended = auricle("submit", *(each for pair in asked.items() for each in pair), "--run", tmp_path)
    assert ended.code == 1
    assert match in ended.err


def test_values_that_a_search_found_stand_with_the_row_they_came_from():
    rate, heads = "training.learning_rate", "network.encoder.heads"
    told = {"chosen": "trial-7", "parameters": {rate: 0.00217, heads: 4}, "start": {}}
    trial = Trial(7, True, 0.25, 0.93, 60.0, {rate: "0.00217", heads: "4"})
    tuning = Tuning({"name": "transformer"}, told, {}, {}, (trial,))
    found = {}
    for name in SHIPPED:
        recipe = read_recipe(name, merged({}, table_at(rate, 0.00217)))
        assert to_table(recipe)["training"]["learning_rate"] == 0.00217
        found[name] = " ".join(origins(recipe, [tuning]))
    row = "From trial 7 of tuning/transformer/trials.csv, log loss 0.25, accuracy 0.93: "
    assert found["transformer-h4"].startswith(row)
    assert found["transformer-h2"].endswith("(heads apart)")
    assert not found["cnn"]  # it has no heads to search
    assert not list(origins(read_recipe("transformer-h4"), [tuning]))
