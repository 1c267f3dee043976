"""Call the pure JavaScript of the explorers under Node, many cases in one process."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

WIDGETS = Path(__file__).parents[3] / "course_lib" / "widgets"

SCRIPT = """
import { readFileSync } from "node:fs";
const { url, calls } = JSON.parse(readFileSync(0, "utf8"));
const library = await import(url);
const plain = (key, value) => ArrayBuffer.isView(value) ? Array.from(value) : value;
const answers = calls.map(([name, args]) => {
  try {
    return { value: library[name](...args) };
  } catch (error) {
    return { error: error.message };
  }
});
process.stdout.write(JSON.stringify(answers, plain));
"""


def call_javascript(module: str, calls: list[tuple[str, list[Any]]]) -> list[Any]:
    """Results of ``calls``, pairs of function name and arguments, of one module.

    A typed array comes back as a list; a function that threw comes back as
    ``{"error": its message}``.
    """
    node = shutil.which("node")
    assert node, (
        "Node is missing: the tests of the explorers' JavaScript need it on PATH."
    )
    job = {"url": (WIDGETS / module).as_uri(), "calls": calls}
    done = subprocess.run(
        [node, "--input-type=module", "--eval", SCRIPT],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [answer.get("value", answer) for answer in json.loads(done.stdout)]
