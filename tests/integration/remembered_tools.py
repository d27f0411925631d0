"""The tools of rehearsed builds. The one that lists the packages of a source does so once for equal requirements.

Before `cyclonedx-py` writes a bill of materials, it spends two seconds of processor time on checking it by its schema.
Dozens of rehearsals release the same source, so each later one gets a copy of the first bill of materials.
"""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

from cicd_templates.rehearsal.build_tools import BuildTools

INSTALLED = BuildTools(Path(sys.prefix))
PROGRAM = "cyclonedx-py"
# The file that the program writes is not part of the key; the files that it can read are.
SCRIPT = """\
#!{python} -I
import hashlib, os, pathlib, shutil, subprocess, sys

words = sys.argv[1:]
if "--output-file" not in words:
    os.execv("{program}", ["{program}", *words])
place = words.index("--output-file") + 1
read = [word for number, word in enumerate(words) if number != place]
key = hashlib.sha256(repr(read).encode())
for path in sorted(pathlib.Path().rglob("*.txt")):
    key.update(repr((str(path), path.read_bytes())).encode())
kept = pathlib.Path("{folder}", key.hexdigest())
if not kept.exists():
    ended = subprocess.run(["{program}", *words])
    if ended.returncode:
        sys.exit(ended.returncode)
    beside = kept.with_suffix("." + str(os.getpid()))
    shutil.copyfile(words[place], beside)
    beside.rename(kept)
shutil.copyfile(kept, words[place])
"""


@cache
def remembering_tools() -> BuildTools:
    """Return the tools of this environment. A folder of this process keeps what they remember."""
    folder = Path(tempfile.mkdtemp(prefix="cicd-templates-tools-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    programs = INSTALLED.link_into(folder)
    kept = folder / "kept"
    kept.mkdir()
    (programs / PROGRAM).unlink()
    text = SCRIPT.format(python=sys.executable, program=INSTALLED.prefix / "bin" / PROGRAM, folder=kept)
    (programs / PROGRAM).write_text(text, encoding="utf-8")
    (programs / PROGRAM).chmod(0o755)
    return BuildTools(folder)
