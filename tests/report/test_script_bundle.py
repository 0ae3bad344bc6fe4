"""The bundle of a page's JavaScript modules: its order, what it takes away, and what it refuses."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlstm.report.render import COMPARISON_SCRIPT, REPORT_SCRIPT
from charlstm.report.script_bundle import ScriptError, bundle, in_order

SCRIPTS = Path(__file__).parents[2] / "charlstm" / "report" / "scripts"


def written(folder: Path, **modules: str) -> Path:
    """Write modules into a folder; a name such as page__state stands for the file page/state.js."""
    for name, code in modules.items():
        path = folder / f"{name.replace('__', '/')}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    return folder


def paths(folder: Path, entry: str = "start.js") -> list[str]:
    return [module.path for module in in_order(folder, entry)]


def test_a_module_stands_after_all_that_it_imports_and_only_once(tmp_path: Path):
    written(
        tmp_path,
        start='import { a } from "./page/a.js";\nimport { b } from "./page/b.js";\na(b);\n',
        page__a='import { c } from "../shared/c.js";\nexport function a() {\n  return c;\n}\n',
        page__b='import { c } from "../shared/c.js";\nexport const b = c;\n',
        shared__c="export const c = 1;\n",
    )

    assert paths(tmp_path) == ["shared/c.js", "page/a.js", "page/b.js", "start.js"]
    assert bundle(tmp_path, "start.js").count("const c = 1;") == 1


@given(edges=st.lists(st.sets(st.integers(0, 7)), min_size=8, max_size=8))
def test_the_order_follows_the_imports_in_any_graph_without_a_cycle(
    edges: list[set[int]], tmp_path_factory: pytest.TempPathFactory
):
    imports = {number: sorted(other for other in edges[number] if other < number) for number in range(8)}
    imports[8] = list(range(8))
    folder = written(
        tmp_path_factory.mktemp("graph"),
        **{
            f"m{number}": "".join(f'import {{ n{other} }} from "./m{other}.js";\n' for other in others)
            + f"export const n{number} = {number};\n"
            for number, others in imports.items()
        },
    )

    order = [int(path[1:-3]) for path in paths(folder, "m8.js")]

    assert sorted(order) == list(range(9))
    assert all(
        order.index(other) < order.index(number) for number, others in imports.items() for other in others
    )


def test_imports_the_word_export_and_comments_are_taken_away_and_nothing_else(tmp_path: Path):
    written(
        tmp_path,
        start='// import { x }: a comment\nimport {\n  run,\n  size,\n} from "./run.js";\n\nrun(size);\n'
        '  /** one line */\n/**\n * @type {() => void}\n */\nrun("// no comment"); // at the end\n',
        run='export async function run() {\n  return "export";\n}\nexport const size = 2;\nclass Local {}\n',
    )

    assert bundle(tmp_path, "start.js") == (
        '"use strict";\n\n'
        "// run.js\n\n"
        'async function run() {\n  return "export";\n}\nconst size = 2;\nclass Local {}\n\n'
        "// start.js\n\n"
        'run(size);\nrun("// no comment"); // at the end\n'
    )


def test_a_cycle_of_imports_is_refused_with_its_files(tmp_path: Path):
    written(
        tmp_path,
        start='import { a } from "./a.js";\na();\n',
        a='import { b } from "./b.js";\nexport const a = b;\n',
        b='import { a } from "./a.js";\nexport const b = a;\n',
    )

    with pytest.raises(ScriptError, match=r"cycle: a\.js -> b\.js -> a\.js$"):
        bundle(tmp_path, "start.js")


def test_a_name_that_two_files_declare_is_refused_even_where_neither_exports_it(tmp_path: Path):
    written(
        tmp_path,
        start='import { a } from "./a.js";\nlet timer = a;\n',
        a="let timer = 0;\nexport const a = timer;\n",
    )

    with pytest.raises(ScriptError, match=r"a\.js and start\.js both declare timer"):
        bundle(tmp_path, "start.js")


def test_names_inside_functions_may_be_alike(tmp_path: Path):
    written(
        tmp_path,
        start='import { a } from "./a.js";\nfunction start() {\n  const row = a();\n}\nstart();\n',
        a="export function a() {\n  const row = 1;\n  return row;\n}\n",
    )

    assert bundle(tmp_path, "start.js").count("const row") == 2


def test_an_import_of_a_missing_file_is_refused_with_its_importer(tmp_path: Path):
    written(tmp_path, page__start='import { a } from "../a.js";\na();\n')

    with pytest.raises(ScriptError, match=r"no script a\.js, which page/start\.js imports"):
        bundle(tmp_path, "page/start.js")


def test_an_import_of_a_name_that_is_not_exported_is_refused(tmp_path: Path):
    written(
        tmp_path, start='import { a, b } from "./a.js";\na(b);\n', a="export const a = 1;\nconst b = 2;\n"
    )

    with pytest.raises(ScriptError, match=r"start\.js imports b from a\.js, which does not export it"):
        bundle(tmp_path, "start.js")


@pytest.mark.parametrize(
    "line",
    [
        'import * as a from "./a.js";',
        'import a from "./a.js";',
        'import "./a.js";',
        'import { a } from "a_package";',
        "export { a };",
        "export default a;",
        'export * from "./a.js";',
    ],
)
def test_module_syntax_that_the_bundle_cannot_read_is_refused(tmp_path: Path, line: str):
    written(tmp_path, start=f"{line}\n", a="export const a = 1;\n")

    with pytest.raises(
        ScriptError, match=r"start\.js has an import or an export that the bundle cannot read"
    ):
        bundle(tmp_path, "start.js")


@pytest.mark.parametrize("line", ["const { a, b } = window;", "export const [a] = [1];"])
def test_several_names_from_one_value_are_refused_at_the_top_level(tmp_path: Path, line: str):
    written(tmp_path, start=f"{line}\n")

    with pytest.raises(ScriptError, match="declare each alone"):
        bundle(tmp_path, "start.js")


def test_every_script_of_the_package_is_in_a_page():
    used = {
        module.path for entry in (REPORT_SCRIPT, COMPARISON_SCRIPT) for module in in_order(SCRIPTS, entry)
    }

    assert used == {path.relative_to(SCRIPTS).as_posix() for path in SCRIPTS.rglob("*.js")}


def test_every_export_is_imported_by_another_script():
    modules = [module for entry in (REPORT_SCRIPT, COMPARISON_SCRIPT) for module in in_order(SCRIPTS, entry)]
    exported = {(module.path, name) for module in modules for name in module.exported}
    imported = {
        (path, name) for module in modules for path, names in module.imports.items() for name in names
    }

    assert exported == imported
