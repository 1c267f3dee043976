"""The first cell of every twin, from its title on (see twins.py)."""

# @title Run this first: it installs the course's library where it is missing
import importlib.util

if importlib.util.find_spec("course_lib") is None:
    import re
    import subprocess
    import sys
    import tempfile
    from importlib import metadata
    from pathlib import Path

    def pip_install(*what):
        command = [sys.executable, "-m", "pip", "install", "--quiet", *what]
        done = subprocess.run(command, capture_output=True, text=True)
        importlib.invalidate_caches()
        if done.returncode:
            raise RuntimeError("course_lib cannot be installed:\n" + done.stderr)

    def version(name):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return None

    # A wheel in this folder or in one above it, else the published library.
    folders = [Path.cwd(), *Path.cwd().parents]
    wheels = [str(w) for f in folders for w in sorted(f.glob("cnn_course-*.whl"))]
    pip_install("--no-deps", wheels[0] if wheels else "SOURCE")

    # What it needs and is missing here. What is here stays at the version that it has.
    missing, present = [], []
    for needed in metadata.requires("cnn-course"):
        name = re.match(r"[\w.-]+", needed)[0]
        if ";" not in needed and version(name):
            present.append(f"{name}=={version(name)}")
        elif ";" not in needed:
            missing.append(needed)
    if missing:
        constraints = Path(tempfile.mkdtemp(), "constraints.txt")
        constraints.write_text("\n".join(present))
        pip_install(*missing, "--constraint", str(constraints))
