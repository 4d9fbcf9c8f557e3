"""The brief, item by item: each is missed as soon as it is taken away."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from auricle.report import started
from auricle.report.document import Bullets, Figure, Heading, Paragraph, Table
from auricle.report.pdf import set_pdf
from auricle.report.searches import Trial
from auricle.report.study_files import read_study
from auricle.report.tuning_files import Tuning
from auricle.study.recipe import merged, read_recipe, table_at, to_table
from auricle.submission import check_code as code_checks
from auricle.submission import check_paper as paper_checks
from auricle.submission.check import check, check_files, check_notebook
from auricle.submission.check_code import check_code, check_origins, differences, probe
from auricle.submission.check_paper import check_paper
from auricle.submission.check_run import check_run
from auricle.submission.notebook import write_notebook
from auricle.submission.paper import submission_document
from auricle.submission.printed import Printed
from auricle.submission.probe import Kernels, differs
from auricle.submission.program import SHIPPED, at, origins, recipes_of, write_program

ROLL, NAME = "B21EX042", "Ada Example"
COLAB = "https://colab.research.google.com/drive/shared"
PUBLISHED = Path(__file__).parents[2] / "reports" / "esc10"


def search_of(recipe):
    """Three trials, of which the best has the learning rate that the recipe has."""
    key = "training.learning_rate"
    rate = at(to_table(recipe), key)
    trials = [
        Trial(number, True, 0.3 - number / 100, 0.9, 60.0, {key: repr(drawn)})
        for number, drawn in enumerate((2 * rate, 3 * rate, rate))
    ]
    told = {"chosen": "trial-2", "parameters": {key: rate}, "start": {}}
    return Tuning({"name": recipe.name}, told, {}, to_table(recipe), tuple(trials))


@pytest.fixture(scope="module")
def published():
    """The mission as it is published, with searches laid and its runs sent."""
    study = read_study(PUBLISHED)
    tracking = {"mode": "online", "url": "https://wandb.ai/someone/esc10"}
    (first, *_, last), _ = recipes_of(study)
    return replace(study, tracking=tracking, tunings=(search_of(first), search_of(last)))


@pytest.fixture(scope="module")
def document(published):
    untuned = replace(published, tunings=())
    made = submission_document(untuned, name=NAME, roll=ROLL, colab_url=COLAB, strange=False)
    tuned = (Heading("Tuning", 1, "tuned"), Paragraph("What was searched, and what it gave. " * 4))
    return replace(made, blocks=(*made.blocks, *tuned))


@pytest.fixture(scope="module")
def handed_in(published, document, tmp_path_factory):
    folder = tmp_path_factory.mktemp("submission")
    program = write_program(published, name=NAME, roll=ROLL)
    (folder / f"{ROLL}.py").write_text(program.text, encoding="utf-8")
    (folder / f"{ROLL}.pdf").write_bytes(set_pdf(document, started(published.environment)))
    (folder / "colab").mkdir()
    notebook = write_notebook(program.text, name=NAME, roll=ROLL)
    (folder / "colab" / f"{ROLL}.ipynb").write_text(notebook, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def facts(handed_in):
    """What the file builds, of whichever release the published study is."""
    found = probe(handed_in / f"{ROLL}.py")
    assert not isinstance(found, str), found
    return found


@pytest.fixture
def complete(published, facts, monkeypatch):
    """Everything that the brief asks for; `missing` tells what a change of it takes away."""
    sizes = {each.name: each.parameters["total"].trainable for each in published.configurations}
    plans = {each["name"]: each for each in published.plan["configurations"]}
    built = [
        {**each, "trainable": sizes[name], "recipe": plans[name]}
        for each in facts
        if (name := each["name"]) in sizes
    ]
    state = SimpleNamespace(study=published, facts=built)
    monkeypatch.setattr(code_checks, "probe", lambda program: state.facts)
    return state


def missing(folder, state):
    items = check(folder, state.study, name=NAME, roll=ROLL)
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
        "files: a notebook for Colab that carries the same file",
    }
    (tmp_path / f"{ROLL}.pdf").write_bytes(b"%PDF-1.7, and no more")
    lost = {"report: there is one", "files: one Python file, named by the roll number"}
    assert lost <= missing(tmp_path, complete)
    (tmp_path / f"{ROLL}.pdf").unlink()
    assert "report: there is one" in missing(tmp_path, complete)


def test_looking_at_what_is_handed_in_leaves_nothing_beside_it(handed_in, facts):
    assert facts  # of a real look
    program, paper = handed_in / f"{ROLL}.py", handed_in / f"{ROLL}.pdf"
    assert all(item.holds for item in check_files(handed_in, program, paper))


def test_a_notebook_that_carries_another_file_is_missed(handed_in, tmp_path):
    program, notebook = handed_in / f"{ROLL}.py", handed_in / "colab" / f"{ROLL}.ipynb"
    assert check_notebook(notebook, program).holds
    later = tmp_path / f"{ROLL}.py"
    later.write_text(f"{program.read_text('utf-8')}\nMORE = 1\n", encoding="utf-8")
    found = check_notebook(notebook, later)
    assert not found.holds
    assert "write both again" in found.told
    gone = check_notebook(tmp_path / f"{ROLL}.ipynb", program)
    assert not gone.holds
    assert gone.told == f"{ROLL}.ipynb is missing"
    (tmp_path / f"{ROLL}.ipynb").write_text("[]", encoding="utf-8")
    assert not check_notebook(tmp_path / f"{ROLL}.ipynb", program).holds


@pytest.mark.parametrize(
    ("of", "changed", "item"),
    [
        ("cnn", {"along_one_axis": 2}, "code: three 1-D convolutions or more"),
        ("cnn", {"along_more": 1}, "code: three 1-D convolutions or more"),
        ("cnn", {"linear": 0}, "code: a fully-connected head on the convolutions"),
        ("cnn", {"base": []}, "code: one base under both"),
        ("cnn", {"epochs": 99}, "code: 100 epochs"),
        ("cnn", {"trainable": 1}, "code: the networks of the report"),
        ("transformer-h4", {"heads": 3}, "code: 1, 2 and 4 heads"),
        ("transformer-h2", {"blocks": 1}, "code: two encoder blocks or more"),
        ("transformer-h1", {"token_learns": False}, "code: a class token that is trained"),
        ("transformer-h1", {"rows_sum_to_one": False}, "code: multi-head self-attention"),
        ("transformer-h4", {"attention_differs": False}, "code: multi-head self-attention"),
        ("transformer-h2", {"clip_s": 4.0}, "code: every value of the report's recipes"),
        ("transformer-h1", {"linear": 1}, "code: a perceptron head on the class token"),
        ("transformer-h1", {"built_in": ["MultiheadAttention"]}, "code: attention of its own"),
    ],
)
def test_what_the_file_builds_is_held_to_the_brief(complete, handed_in, of, changed, item):
    complete.facts = [
        {**each, **changed} if each["name"] == of else each for each in complete.facts
    ]
    program = handed_in / f"{ROLL}.py"
    items = check_code(program, complete.study)
    assert [each.name for each in items if not each.holds] == [item]


@pytest.mark.parametrize("lost", ["cnn", "transformer"])
def test_one_architecture_alone_is_missed(complete, handed_in, lost):
    complete.facts = [each for each in complete.facts if not each["name"].startswith(lost)]
    items = check_code(handed_in / f"{ROLL}.py", complete.study)
    missed = {each.name for each in items if not each.holds}
    assert {"code: architectures 1 and 2", "code: one base under both"} <= missed


def test_a_file_with_another_value_than_the_report_is_stale(facts, published):
    tables = [to_table(recipe) for recipe in recipes_of(published)[0]]
    study = replace(published, plan={**published.plan, "configurations": tables})
    assert not list(differences(facts, study))
    first, *others = facts
    training = {**first["recipe"]["training"], "learning_rate": 0.5}
    stale = {**first, "recipe": {**first["recipe"], "training": training}}
    (told,) = differences([stale, *others], study)
    assert told.startswith("cnn: training.learning_rate is 0.5, the report has 0.0")
    assert list(differences([first], study)) == [
        f"{each['name']} is not in the file" for each in others
    ]
    assert "other is not in the report" in differences([{**first, "name": "other"}], study)


def test_tuned_values_without_their_row_are_missed(handed_in, published):
    text = (handed_in / f"{ROLL}.py").read_text(encoding="utf-8")
    assert check_origins(text, published).holds
    assert "From trial 2 of tuning/cnn/trials.csv" in text
    lost = text.replace("From trial 2 of tuning/cnn", "From somewhere")
    assert check_origins(lost, published).told.startswith("not in the file: that of cnn")
    assert not check_origins(text, replace(published, tunings=())).holds


def test_kernels_that_run_are_told_by_the_axes_that_they_slide_along():
    image = torch.zeros(1, 2, 8, 8)
    with Kernels() as ran:
        nn.Conv1d(2, 3, 5)(image[:, :, 0])
        nn.Conv2d(2, 3, (1, 5))(image)
        nn.Conv2d(2, 3, 5)(image)
    assert ran.shapes == [(3, 2, 5), (3, 2, 1, 5), (3, 2, 5, 5)]


def test_attention_that_cannot_choose_is_told_from_one_that_does():
    chosen = torch.randn(4, 2, 2, 5, 5, generator=torch.Generator().manual_seed(0)).softmax(-1)
    assert differs(chosen)
    even = torch.full_like(chosen, 1 / 5)
    assert not differs(even)
    even[:, 0] = chosen[:, 0]  # one block of two
    assert not differs(even)


def test_the_text_of_the_file_is_held_to_the_brief(complete, handed_in, tmp_path):
    text = (handed_in / f"{ROLL}.py").read_text(encoding="utf-8")
    file = tmp_path / f"{ROLL}.py"
    file.write_text(f"{text}\nimport librosa\nnn.MultiheadAttention(8, 2)\n", encoding="utf-8")
    found = {each.name: each for each in check_code(file, complete.study)}
    libraries = found["code: nothing but PyTorch and libraries for sound, metrics, plots and W&B"]
    assert not libraries.holds
    assert libraries.told == "librosa"
    assert not found["code: attention of its own"].holds
    for built_in in ("F.multi_head_attention_forward(x)", "F.scaled_dot_product_attention(x)"):
        file.write_text(f"{text}\n{built_in}\n", encoding="utf-8")
        found = {each.name: each for each in check_code(file, complete.study)}
        assert not found["code: attention of its own"].holds
    for line in ("A" * 100, "if A:\n\tB", "A = 1  "):
        file.write_text(f"{text}\n{line}\n", encoding="utf-8")
        found = {each.name: each for each in check_code(file, complete.study)}
        (tidy,) = (each for name, each in found.items() if "PEP 8" in name)
        assert not tidy.holds
    file.write_text("def broken(:\n", encoding="utf-8")
    (item,) = check_code(file, complete.study)
    assert not item.holds


def test_a_file_that_does_not_load_is_told_with_its_reason(tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("raise KeyError('lost')\n", encoding="utf-8")
    assert probe(file) == "KeyError: 'lost'"


def test_what_the_run_lacks_is_missed(complete):
    study = complete.study

    def lacking(**changed):
        items = check_run(replace(study, **changed))
        return {item.name for item in items if not item.holds}

    assert lacking() == set()
    searches = [
        "run: hyper-parameter tuning of architecture 1, the CNN",
        "run: hyper-parameter tuning of architecture 2, the transformer",
    ]
    assert lacking(tunings=()) == {*searches}
    of_cnn, of_encoder = study.tunings
    assert lacking(tunings=(of_cnn,)) == {searches[1]}
    alike = replace(of_cnn, trials=of_cnn.trials[:1] * 2)
    assert lacking(tunings=(alike, of_encoder)) == {searches[0]}
    tracked = "run: accuracy and loss per epoch on Weights & Biases"
    assert lacking(tracking={"mode": "disabled"}) == {tracked}
    assert lacking(tracking={"mode": "offline", "url": None}) == {tracked}
    assert lacking(tracking={"mode": "online", "url": None}) == {tracked}
    sent = check_run(replace(study, tracking={"mode": "online", "url": None}))
    assert "does not know where to" in next(item.told for item in sent if item.name == tracked)
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
        for gone in ({"confusion": ()}, {"roc": ()}, {"auc_macro": None}):
            rows = tuple(replace(r, **gone) if r.on == on else r for r in first.scores)
            bare = replace(scores, configurations=(replace(first, scores=rows), *others))
            item = f"run: accuracy, F1, ROC-AUC, confusion matrix of each in {place}"
            assert lacking(scores=bare) == {item}
    for strategy in ("kfold", "holdout", "refit"):
        rows = tuple(r for r in first.scores if (r.strategy, r.on) != (strategy, "test"))
        bare = replace(scores, configurations=(replace(first, scores=rows), *others))
        split = "run: accuracy, F1, ROC-AUC, confusion matrix of each in the test split"
        assert lacking(scores=bare) == {split}
    unsized = replace(scores, configurations=(replace(first, parameters={}), *others))
    assert lacking(scores=unsized) == {"run: trainable and non-trainable parameters"}


def without_references(block):
    """A block that refers to no other."""
    match block:
        case Paragraph(text=text):
            return Paragraph(text.replace("[@", "["))
        case Bullets(items=items):
            return Bullets([item.replace("[@", "[") for item in items])
        case Table(note=note, caption=caption):
            return replace(block, note=note.replace("[@", "["), caption=caption.replace("[@", "["))
    return block


def missed_in(paper, document, published, program):
    paper.write_bytes(set_pdf(document, started(published.environment)))
    items = check_paper(paper, program, published, name=NAME, roll=ROLL)
    return {item.name.removeprefix("report: "): item.told for item in items if not item.holds}


TOPICS = ("layers", "tuned", "tried", "observations", "assumptions", "resources", "references")
ITEMS = {"parameters", "tuning", "analysis", "assumptions", "resources", "references"}


def test_what_the_report_lacks_is_missed(document, published, handed_in, tmp_path):
    listing = "def attend(query, key, value):\nreturn weights @ value, weights\nimport torch\n"

    def kept(block):
        drawn = isinstance(block, Figure) and block.name.startswith(
            ("curves-", "roc-", "confusion-cnn")
        )
        return not drawn and getattr(block, "name", "") not in (*TOPICS, "comparison")

    blocks = [without_references(block) for block in document.blocks if kept(block)]
    blocks.append(Paragraph(listing))
    cover = (("Name", "Somebody Else"), ("Notebook", "[here](https://example.org/colab)"))
    poorer = replace(document, cover=cover, blocks=tuple(blocks))
    paper, program = tmp_path / f"{ROLL}.pdf", handed_in / f"{ROLL}.py"
    assert {*missed_in(paper, poorer, published, program)} == ITEMS | {
        "name and roll number",
        "link to the notebook on Colab",
        "comparative table",
        "learning curves of each",
        "confusion matrices of each",
        "ROC curves of each",
        "no code",
    }


def test_headings_without_text_and_a_table_with_other_scores_are_missed(
    document, published, handed_in, tmp_path
):
    blocks, under = [], ""
    for block in document.blocks:
        if isinstance(block, Heading):
            under = under if block.level == 2 and under == "resources" else block.name
        if isinstance(block, Heading) or under not in TOPICS:
            blocks.append(without_references(block))
    (place,) = (at for at, each in enumerate(blocks) if getattr(each, "name", "") == "comparison")
    rows = [list(row) for row in blocks[place].rows]
    rows[1][1] = "12.3\n[1.0, 20.0]"
    blocks[place] = replace(blocks[place], rows=rows)
    emptied = replace(document, blocks=tuple(blocks))
    missed = missed_in(tmp_path / f"{ROLL}.pdf", emptied, published, handed_in / f"{ROLL}.py")
    assert {*missed} == ITEMS | {"comparative table"}
    assert missed["comparative table"].startswith("not found: transformer-h1 ")
    assert missed["analysis"].startswith("nothing stands under")


def test_screenshots_are_told_from_spectrograms(monkeypatch, handed_in, published):
    printed = Printed([""], [], {}, [(3, 251, 64), (7, 1280, 800)])
    monkeypatch.setattr(paper_checks, "read_paper", lambda paper: printed)
    paper = handed_in / f"{ROLL}.pdf"
    items = check_paper(paper, paper.with_suffix(".py"), published, name=NAME, roll=ROLL)
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
    elsewhere = replace(tuning, best={"network": {"frontend": {"bands": 96}}})
    assert not list(origins(recipe, [elsewhere]))  # which the trials were not trained on


def test_a_drawn_value_is_printed_as_short_as_it_is():
    key = "augment.stretch"
    trial = Trial(1, True, 0.25, 0.93, 60.0, {key: "0.30000000000000004"})
    told = {"chosen": "trial-1", "parameters": {key: 0.30000000000000004}, "start": {}}
    recipe = read_recipe("cnn", table_at(key, 0.30000000000000004))
    (line,) = origins(recipe, [Tuning({"name": "cnn"}, told, {}, {}, (trial,))])
    assert line.endswith("accuracy 0.93: augment.stretch=0.3")
