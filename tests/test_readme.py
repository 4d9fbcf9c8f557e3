import re
from pathlib import Path

from auricle.report.markdown import comparative_table

ROOT = Path(__file__).parents[1]


def test_the_table_of_the_readme_is_the_one_of_the_report() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- comparative table[^>]*-->\n(.*?)\n?<!-- end -->", text, re.DOTALL)
    assert shown
    assert shown[1] == comparative_table(ROOT / "reports" / "esc10")


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} links {target}"
