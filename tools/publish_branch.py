"""Put a folder on a branch of its own: python3 tools/publish_branch.py FOLDER BRANCH.

GitHub's workflow calls it to publish the notebooks. The branch shares no history with
the sources and holds the folder and nothing else; one commit is added when a file has
changed, none when nothing has. Standard library and git only.

The environment names the rest: GIT_REMOTE (an address), GIT_TOKEN (if the remote wants
one; it goes into a header and so into no file and no list of processes), and SOURCE,
the commit that the folder was made from.
"""

import base64
import os
import pathlib
import subprocess
import sys
import tempfile


def publish(folder: pathlib.Path, branch: str, remote: str, source: str) -> bool:
    """Make the branch of the remote equal to the folder; tell whether it changed."""
    with tempfile.TemporaryDirectory() as git_dir:
        environment = {
            **os.environ,
            **_authorization(os.environ.get("GIT_TOKEN", "")),
            "GIT_DIR": git_dir,
            "GIT_WORK_TREE": str(folder.resolve()),
            "GIT_TERMINAL_PROMPT": "0",
        }
        for role in ("AUTHOR", "COMMITTER"):
            environment[f"GIT_{role}_NAME"] = "publish_branch"
            environment[f"GIT_{role}_EMAIL"] = "publish_branch@users.noreply.invalid"

        def git(*arguments: str) -> str:
            command = ["git", *arguments]
            return subprocess.run(
                command, env=environment, check=True, stdout=subprocess.PIPE, text=True
            ).stdout.strip()

        git("init", "--quiet")
        git("config", "core.autocrlf", "false")
        git("add", "--all", "--force", ".")
        tree = git("write-tree")
        parents = []
        if git("ls-remote", "--heads", remote, f"refs/heads/{branch}"):
            git("fetch", "--quiet", "--depth=1", remote, f"refs/heads/{branch}")
            if git("rev-parse", "FETCH_HEAD^{tree}") == tree:
                return False
            parents = ["-p", git("rev-parse", "FETCH_HEAD")]
        commit = git("commit-tree", tree, *parents, "-m", f"From {source}")
        git("push", "--quiet", remote, f"{commit}:refs/heads/{branch}")
        return True


def _authorization(token: str) -> dict[str, str]:
    """Hand a token to git by its environment, as a header of its requests."""
    if not token:
        return {}
    header = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {header}",
    }


def main(arguments: list[str]) -> int:
    """Publish, and say what was done."""
    if len(arguments) != 2 or "GIT_REMOTE" not in os.environ:
        print(__doc__, file=sys.stderr)
        return 2
    folder, branch = pathlib.Path(arguments[0]), arguments[1]
    if not any(path.is_file() for path in folder.rglob("*")):
        print(f"{folder} holds no file: nothing is published", file=sys.stderr)
        return 1
    source = os.environ.get("SOURCE", "a working tree")
    changed = publish(folder, branch, os.environ["GIT_REMOTE"], source)
    print(f"{branch}: {'published' if changed else 'nothing has changed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
