# SPDX-License-Identifier: Apache-2.0
"""The ctypes declarations are those of emberline.h."""

import ctypes
import re
import subprocess

from data_paths import ROOT
from emberline import _native, errors

HEADER = ROOT / "include" / "emberline.h"
STRUCTS = {
    "emb_option_info": _native._OptionInfo,
    "emb_rows": _native._Rows,
    "emb_vectors": _native._Vectors,
    "emb_stats": _native.Stats,
    "emb_run": _native._Run,
    "emb_tokens": _native._Tokens,
}


def test_structs_have_the_layout_that_a_c_compiler_gives_them(tmp_path):
    lines = []
    for name, struct in STRUCTS.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        for field, *_ in struct._fields_:
            lines.append(f'printf("{name}.{field} %zu\\n", offsetof({name}, {field}));')
    source = tmp_path / "layout.c"
    source.write_text(f'#include <stdio.h>\n#include "{HEADER}"\nint main(void) {{ {" ".join(lines)} return 0; }}\n')
    subprocess.run(["cc", "-o", tmp_path / "layout", source], check=True)
    compiled = subprocess.run([tmp_path / "layout"], capture_output=True, text=True, check=True).stdout.split()
    ours = []
    for name, struct in STRUCTS.items():
        ours += [name, str(ctypes.sizeof(struct))]
        for field, *_ in struct._fields_:
            ours += [f"{name}.{field}", str(getattr(struct, field).offset)]
    assert compiled == ours


def test_every_function_of_the_header_is_declared_with_as_many_arguments():
    found = {}
    for name, arguments in re.findall(r"^EMB_API [\w *]+?\b(emb_\w+)\(([^)]*)\);", HEADER.read_text(), re.MULTILINE):
        found[name] = 0 if arguments == "void" else arguments.count(",") + 1
    assert found == {name: len(arguments) for name, (_, arguments) in _native._SIGNATURES.items()}


def test_every_code_has_an_exception():
    text = HEADER.read_text().partition("emb_code;")[0]
    codes = {int(number): name for name, number in re.findall(r"^  EMB_([A-Z_]+) = (\d)", text, re.MULTILINE)}
    assert codes.pop(0) == "OK"
    assert {number: kind.code.upper() for number, kind in errors.BY_CODE.items()} == codes
