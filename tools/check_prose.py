"""Read the prose as an editor would: `make lint` runs this over the book and README.

Looked for are

- words that a British dictionary does not know (``tools/prose/words.txt`` lists the
  names and terms of ours that it may not know),
- a word that stands twice in a row,
- an emphasised word in a section or a lab that is neither a term of the glossary nor
  stressed on purpose (``tools/prose/stress.txt``): a new term gets its definition,
- a glossary entry that is not one sentence, or is not used in the section it names,
- a numbered figure that no text refers to,
- a picture without a text alternative.

The dictionary is Hunspell's en-GB, which `npm ci` installs.
"""

from __future__ import annotations

import ast
import gc
import pathlib
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
DICTIONARY = ROOT / "node_modules" / "dictionary-en-gb" / "index"
LISTS = ROOT / "tools" / "prose"
GAP = "\0"  # stands for what is not prose, so that words around it are no neighbours

FENCE = re.compile(
    r"^(?P<fence>`{3,}|~{3,}) *(?P<kind>\{?[\w-]*\}?)[^\n]*\n(?P<body>.*?)"
    r"^(?P=fence)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
PROSE_DIRECTIVES = {  # what stands in them is prose
    "{admonition}",
    "{exercise}",
    "{figure}",
    "{glossary}",
    "{note}",
    "{tip}",
    "{important}",
    "{warning}",
    "{solution-start}",
    "{solution-end}",
}
NOT_PROSE = [
    re.compile(r"\A---\n.*?^---\n", re.MULTILINE | re.DOTALL),  # front matter
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"\$\$.*?\$\$", re.DOTALL),
    re.compile(r"^%.*$", re.MULTILINE),  # comments
    re.compile(r"^:{3,}.*$", re.MULTILINE),  # colon fences; their content stays
    re.compile(r"^\s*:[\w-]+:.*$", re.MULTILINE),  # options
    re.compile(r"^\([\w-]+\)=$", re.MULTILINE),  # labels
    re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL),  # code, after roles
    re.compile(r"(?<![\\$])\$[^$]+?\$", re.DOTALL),
    re.compile(r"\]\([^)]*\)"),  # targets of links
    re.compile(r"</?[a-zA-Z][^>]*>"),
    re.compile(r"https?://\S+|\S+@\S+|&\w+;"),
    re.compile(r"\{[\w:-]+\}"),
]
ROLE = re.compile(r"\{[\w:-]+\}`(?:(?P<shown>[^`<]*?)\s*<[^`>]*>|[^`]*)`")
WORD = re.compile(r"[A-Za-zÀ-ÿ]+(?:['’][A-Za-zÀ-ÿ]+)*")
TWICE = re.compile(r"\b([A-Za-z]+)(?:[ \t]+|[ \t]*\n[ \t]*)\1\b", re.IGNORECASE)
EMPHASIS = re.compile(r"(?<![*\w])(\*{1,2})(?=[^\s*])([^*]+?)(?<=\S)\1(?![*\w])")
FIGURE = re.compile(
    r"^\s+name: (fig-[\w-]+)$|^:name: (fig-[\w-]+)$|^\((fig-[\w-]+)\)=$", re.MULTILINE
)


@dataclass(frozen=True, order=True)
class Finding:
    """One thing to put right."""

    file: pathlib.Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}: {self.message}"


def _blank(text: str) -> str:
    """Replace text by gaps of the same size that keep the lines' numbers."""
    return re.sub(r"[^\n]", GAP, text)


def _shown(role: re.Match[str]) -> str:
    """Keep of a role what it shows when its text is typed: {doc}`this <page>`."""
    if not role["shown"]:
        return _blank(role[0])
    start = role.start("shown") - role.start()
    end = role.end("shown") - role.start()
    return _blank(role[0][:start]) + role["shown"] + _blank(role[0][end:])


def prose(text: str) -> str:
    """Return a page's prose, everything else blanked; lines keep their numbers.

    >>> prose("A *kernel* `K` of $2$.").replace(GAP, "")
    'A *kernel*  of .'
    """

    def fenced(block: re.Match[str]) -> str:
        if block["kind"] not in PROSE_DIRECTIVES:
            return _blank(block[0])
        first, rest = block[0].split("\n", 1)
        title = first.split("}", 1)[1] if "{admonition}" in first else ""
        body, end = rest.rsplit("\n", 1) if "\n" in rest else ("", rest)
        inner = FENCE.sub(fenced, body)
        lead = GAP * (len(first) - len(title)) + title
        return f"{lead}\n{inner}\n{_blank(end)}"

    text = NOT_PROSE[0].sub(lambda m: _blank(m[0]), text)
    text = FENCE.sub(fenced, text)
    for pattern in NOT_PROSE[1:6]:
        text = pattern.sub(lambda m: _blank(m[0]), text)
    text = ROLE.sub(_shown, text)
    for pattern in NOT_PROSE[6:]:
        text = pattern.sub(lambda m: _blank(m[0]), text)
    return text


def cells(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield of each code cell its line, its YAML options and its code."""
    for block in FENCE.finditer(text):
        if block["kind"] != "{code-cell}":
            continue
        line = text.count("\n", 0, block.start("body")) + 1
        body = block["body"]
        options = ""
        if body.startswith("---\n"):
            options, body = body[4:].split("---\n", 1)
            line += options.count("\n") + 2
        code = re.sub(r"^(:.*|%.*|!.*)$", "", body, flags=re.MULTILINE)
        yield line, options, code


def captions(text: str) -> Iterator[tuple[int, str]]:
    """Yield the captions and text alternatives that code cells hold."""
    for line, options, code in cells(text):
        if options:
            figure = (yaml.safe_load(options).get("mystnb") or {}).get("figure") or {}
            if caption := figure.get("caption"):
                start = line - options.count("\n") - 2
                offset = options[: options.find("caption:")].count("\n") + 2
                yield start + offset, caption
        for call in _shows(code):
            for keyword in call.keywords:
                if keyword.arg == "alt":
                    said = [
                        part.value
                        for part in ast.walk(keyword.value)
                        if isinstance(part, ast.Constant)
                        and isinstance(part.value, str)
                    ]
                    yield line + keyword.value.lineno - 1, " ".join(said)


def _shows(code: str) -> list[ast.Call]:
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a cell that teaches an error
        return []
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) or getattr(node.func, "attr", "")) == "show"
    ]


# -- the checks ------------------------------------------------------------------------


class Speller:
    """A dictionary and our own words."""

    def __init__(self) -> None:
        from spylls.hunspell import Dictionary

        if not DICTIONARY.with_suffix(".dic").is_file():
            sys.exit("the dictionary is missing: run `npm ci --ignore-scripts`")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # it leaves files open
            self.dictionary = Dictionary.from_files(str(DICTIONARY))
            gc.collect()
        self.ours = set(words("words"))
        self.known: dict[str, bool] = {}

    def knows(self, word: str) -> bool:
        """Tell whether a word is spelt right.

        A plural and a possessive of ours are ours too.
        """
        word = word.replace("’", "'")
        if word not in self.known:
            stem = re.sub(r"'s$|s'$", "", word)
            self.known[word] = (
                len(stem) < 3
                or {stem, stem.removesuffix("s"), word} & self.ours != set()
                or {stem.lower(), stem.lower().removesuffix("s")} & self.ours != set()
                or self.dictionary.lookup(stem)
            )
        return self.known[word]


def words(name: str) -> list[str]:
    """Read one of the lists in tools/prose: a word a line, # for remarks."""
    lines = (LISTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and line[0] != "#"]


def misspelt(text: str, speller: Speller) -> Iterator[tuple[int, str]]:
    """Yield unknown words of blanked text, with their lines."""
    for number, line in enumerate(text.split("\n"), start=1):
        for found in WORD.finditer(line):
            beside = line[max(0, found.start() - 1) : found.end() + 1]
            if re.search(r"[\d_\\]", beside):  # 28x28, a name with an underscore
                continue
            if not speller.knows(found[0]):
                yield number, f"spelling: {found[0]!r} (or add it to tools/prose)"


def repeated(text: str) -> Iterator[tuple[int, str]]:
    r"""Yield words that stand twice in a row.

    >>> list(repeated("that is\nis all"))
    [(1, "'is' stands twice")]
    """
    for found in TWICE.finditer(text):
        if len(found[1]) > 1:
            line = text.count("\n", 0, found.start()) + 1
            yield line, f"{found[1]!r} stands twice"


def glossary(text: str) -> list[tuple[int, list[str], str]]:
    """List the entries of a glossary page: line, English and other names, sentence."""
    entries, names, sentence, start, inside = [], [], [], 0, False
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("```{glossary}"):
            inside = True
            continue
        if not inside:
            continue
        over = line.startswith("```")
        if line.startswith("  "):
            sentence.append(line.strip())
        elif line.strip() and not over:
            if not names:
                start = number
            names.append(line.strip())
        if (not line.strip() or over) and names:
            entries.append((start, names, " ".join(sentence)))
            names, sentence = [], []
        if over:
            inside = False
    return entries


def plain(phrase: str) -> str:
    """Reduce a phrase to what is looked up: lower case, no full stop, singular.

    >>> plain("Feature maps."), plain("bias")
    ('feature map', 'bias')
    """
    phrase = re.sub(r"\s+", " ", phrase).strip(" .,:;").lower()
    return phrase[:-1] if re.search(r"[^s]s$", phrase) and len(phrase) > 4 else phrase


def undefined(
    text: str, terms: set[str], stress: set[str]
) -> Iterator[tuple[int, str]]:
    """Yield emphasised phrases that are neither defined nor stressed on purpose.

    An adjective is defined with its noun: *dense* by "dense layer". Four words and more
    are a statement, not a term.
    """
    for found in EMPHASIS.finditer(text):
        phrase = plain(found[2])
        if found[2].endswith((".", ":", "?")):  # the heading of its paragraph
            continue
        if GAP in phrase or len(phrase.split()) > 3 or not re.search("[a-z]", phrase):
            continue
        defined = any(term == phrase or term.startswith(f"{phrase} ") for term in terms)
        if not defined and phrase not in stress:
            line = text.count("\n", 0, found.start()) + 1
            yield (
                line,
                f"{found[2]!r} is emphasised: define it in book/glossary.md, or list "
                "it in tools/prose/stress.txt",
            )


def vague(entries: list[tuple[int, list[str], str]]) -> Iterator[tuple[int, str]]:
    """Yield glossary entries that are not one sentence, or not where they say."""
    for line, names, sentence in entries:
        said, _, place = sentence.rpartition(" (")
        section = re.fullmatch(r"\{(?:secnum|doc)\}`([\w/-]+)`\)\.", place)
        if not section:
            yield line, f"{names[0]!r} does not end with its section in parentheses"
            continue
        if re.search(r"[.!?] [A-Z]", said):
            yield line, f"{names[0]!r} has more than one sentence"
        if len(names) < 2:
            english = re.fullmatch(r"[a-z0-9]+", names[0])  # the same in both languages
            if not english:
                yield line, f"{names[0]!r} has no Chinese name"
        page = ROOT / "book" / f"{section[1]}.md"
        body = re.sub(r"\s+", " ", page.read_text(encoding="utf-8")).lower()
        stems = [plain(name) for name in names] + [
            plain(name).split()[0] for name in names
        ]
        if not any(stem in body for stem in stems if re.match("[a-z]", stem)):
            yield line, f"{names[0]!r} does not occur in {section[1]}.md"


def unreferenced(pages: dict[pathlib.Path, str]) -> Iterator[Finding]:
    """Yield numbered figures that no text refers to."""
    everything = "\n".join(pages.values())
    for file, text in pages.items():
        for found in FIGURE.finditer(text):
            name = next(filter(None, found.groups()))
            if not re.search(rf"\{{(?:numref|ref)\}}`[^`]*\b{name}\b>?`", everything):
                line = text.count("\n", 0, found.start(found.lastindex or 0)) + 1
                yield Finding(file, line, f"no text refers to {name}")


def unnamed(text: str) -> Iterator[tuple[int, str]]:
    """Yield pictures without a text alternative."""
    for line, _, code in cells(text):
        for call in _shows(code):
            if not any(keyword.arg == "alt" for keyword in call.keywords):
                yield line + call.lineno - 1, "show(...) without alt="
    for found in re.finditer(r"!\[\s*\]\(", text):
        yield text.count("\n", 0, found.start()) + 1, "picture without a text in [ ]"
    for block in FENCE.finditer(text):
        line = text.count("\n", 0, block.start()) + 1
        if block["kind"] in ("{figure}", "{image}", "{flow}"):
            if not re.search(r"^:alt: +\S", block["body"], re.MULTILINE):
                yield line, f"{block['kind']} without :alt:"
        for tag in re.findall(r"<(?:svg|img)\b[^>]*>", block["body"]):
            if block["kind"] == "{raw}" and not re.search(
                r"\balt=|aria-label|aria-hidden", tag
            ):
                yield line, f"{tag[:30]}… without a text alternative"


def chosen() -> list[pathlib.Path]:
    """List the files that hold prose."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [toc["root"]] + [c["file"] for p in toc["parts"] for c in p["chapters"]]
    return [
        *(ROOT / f"{file}.md" for file in files),
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
    ]


def teaches(file: pathlib.Path) -> bool:
    """Tell whether a page introduces terms: the sections and the labs do."""
    folder = file.parent.relative_to(ROOT).as_posix()
    text = file.read_text(encoding="utf-8")
    return folder == "book/labs" or (folder == "book" and "{exercise}" in text)


def findings() -> list[Finding]:
    """Check every file."""
    pages = {file: file.read_text(encoding="utf-8") for file in chosen()}
    speller = Speller()
    entries = glossary((ROOT / "book" / "glossary.md").read_text(encoding="utf-8"))
    terms = {plain(name) for _, names, _ in entries for name in names}
    stress = {plain(phrase) for phrase in words("stress")}
    found: list[Finding] = list(unreferenced(pages))
    for file, text in pages.items():
        visible = prose(text)
        notes = [*misspelt(visible, speller), *repeated(visible), *unnamed(text)]
        if teaches(file):
            notes += undefined(visible, terms, stress)
        if file.name == "glossary.md":
            notes += vague(entries)
        for start, caption in captions(text):
            inner = prose(caption)
            for check in (misspelt(inner, speller), repeated(inner)):
                notes += [(start + line - 1, message) for line, message in check]
        found += [Finding(file, line, message) for line, message in notes]
    return sorted(set(found))


def main() -> int:
    """Print what was found; return 1 if anything was."""
    found = findings()
    for finding in found:
        print(finding)
    if found:
        print(f"prose: {len(found)} things to put right", file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
