"""What a study says of the source that it ran with."""

import subprocess
from pathlib import Path

import pytest

from auricle.study import environment


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A package under version control, as if it were this one."""
    place = tmp_path / "src" / "auricle" / "study" / "environment.py"
    place.parent.mkdir(parents=True)
    place.write_text("first\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("first\n", encoding="utf-8")
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for asked in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", "first")):
        subprocess.run(["git", "-C", str(tmp_path), *asked], check=True)
    monkeypatch.setattr(environment, "__file__", str(place))
    return tmp_path


def test_a_commit_is_dirty_only_where_the_package_was_changed(source):
    clean = environment.source_commit()

    (source / "README.md").write_text("second\n", encoding="utf-8")
    beside = environment.source_commit()
    (source / "src" / "auricle" / "study" / "environment.py").write_text("x", encoding="utf-8")
    changed = environment.source_commit()

    assert len(clean) == 12
    assert beside == clean
    assert changed == f"{clean}-dirty"


def test_without_version_control_the_release_is_told(source):
    (source / ".git").rename(source / "elsewhere")

    assert environment.source_commit().startswith("release ")


def test_code_is_other_code_when_it_does_other_things():
    plain = environment.meaning("def double(x):\n    return 2 * x\n")
    told = environment.meaning(
        'def double(x):\n    """Twice."""\n\n    return 2 * x  # all of it\n'
    )
    other = environment.meaning("def double(x):\n    return 3 * x\n")
    assert told == plain
    assert other != plain


def test_the_code_that_learns_is_that_of_network_and_training():
    package = Path(environment.__file__).parents[1]
    found = {file.name for pattern in environment.LEARNS for file in package.glob(pattern)}
    assert found >= {"attention.py", "base.py", "frontend.py", "classifier.py"}
    assert found >= {"augment.py", "fit.py", "sounds.py"}
    assert len(environment.learning_code()) == 12
