"""The JavaScript of a widget: one text without imports, in which no name is defined twice."""

import re

import pytest

from mss_lab.widgets import front_end

FOLDER = front_end.SHARED.parent
WIDGETS = sorted(path for path in FOLDER.glob("*.js"))
DEFINED = re.compile(r"^(?:export )?(?:async )?(?:const|let|function\*?|class) (\w+)", re.MULTILINE)


@pytest.mark.parametrize("path", WIDGETS, ids=lambda path: path.stem)
def test_a_widget_is_one_module_without_imports(path):
    text = front_end.script(str(path))
    assert not re.search(r"^import ", text, re.MULTILINE)
    assert re.findall(r"^export .*", text, re.MULTILINE) == ["export default {"]


@pytest.mark.parametrize("path", WIDGETS, ids=lambda path: path.stem)
def test_no_name_is_defined_twice(path):
    names = DEFINED.findall(front_end.script(str(path)))
    assert sorted(names) == sorted(set(names))


def test_every_imported_name_is_exported(tmp_path):
    imports = re.compile(r'^import \{([^}]*)\} from "(\./[\w./]+)";', re.MULTILINE)
    exports = re.compile(r"^export (?:async )?(?:const|function\*?|class) (\w+)", re.MULTILINE)
    for path in [*WIDGETS, *front_end.SHARED.glob("*.js")]:
        for names, target in imports.findall(path.read_text()):
            exported = exports.findall((path.parent / target).read_text())
            assert {name.strip() for name in names.split(",")} <= {*exported, ""}, f"{path.name} from {target}"


def test_files_come_once_and_before_what_needs_them(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "base.js").write_text("export const one = 1;\n")
    (tmp_path / "shared" / "sum.js").write_text(
        'import { one } from "./base.js";\n\nexport function two() {\n  return one + one;\n}\n'
    )
    (tmp_path / "thing.js").write_text(
        'import {\n  two,\n} from "./shared/sum.js";\nimport { one } from "./shared/base.js";\n\n'
        "export default { render() { return one + two(); } };\n"
    )
    text = front_end.script(str(tmp_path / "thing.py"))
    parts = ["const one = 1;", "function two()", "export default"]
    assert [text.count(part) for part in parts] == [1, 1, 1]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)
    assert "import" not in text
