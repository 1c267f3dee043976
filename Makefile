# Every command a person types. CI types the same ones.
# Each target sets up what it needs; repeating a command does no work twice.

PYTHON ?= python3
BIN    := .venv/bin
HTML   := _build/html
PORT   ?= 8000

.DEFAULT_GOAL := help

.PHONY: help
help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: set-up
set-up:  ## Create .venv and node_modules; the other targets call it
	@$(PYTHON) tools/set_up.py

.PHONY: book
book: set-up  ## Build the book into _build/html
	@$(BIN)/python tools/build_book.py

.PHONY: pdf
pdf: book  ## Build the book, print it as a PDF and link that from the front page
	@$(BIN)/python tools/build_pdf.py

.PHONY: notebooks
notebooks: book  ## Write the chapters and assignments as plain notebooks for Colab
	@$(BIN)/python tools/build_notebooks.py

.PHONY: serve
serve: book  ## Build the book and serve it on http://127.0.0.1:8000 (PORT=…)
	@echo "http://127.0.0.1:$(PORT)/  (Ctrl-C ends)"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(HTML) $(PORT)

.PHONY: lab
lab: set-up  ## Open the chapters in JupyterLab
	@$(BIN)/jupytext-config set-default-viewer >/dev/null
	@$(BIN)/jupyter lab --notebook-dir=. book

.PHONY: lint
lint: set-up  ## Check format, lint, types, imports and prose
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/codespell
	@$(BIN)/python tools/check_prose.py

.PHONY: test
test: lint book  ## Lint, build the book, run every test
	@$(BIN)/python tools/run_tests.py

.PHONY: soak
soak: set-up  ## Fuzz, kill and mix submissions for hours (tools/soak.py --help)
	@$(BIN)/python tools/soak.py

CLAIMS := $(filter-out benchmarks/measured.py,$(wildcard benchmarks/*.py))

.PHONY: bench
bench: book  ## Measure every claim anew and record it for the book's page (hours)
	@for file in $(CLAIMS); do \
		printf '\n== %s\n' "$$file"; RECORD=1 $(BIN)/python "$$file" || exit 1; done

.PHONY: labs-runs
labs-runs: set-up  ## Train the labs' recorded runs anew (half an hour on two cores)
	@$(BIN)/python tools/run_labs.py

.PHONY: clean
clean:  ## Remove what the targets made, but for .venv and node_modules
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -not -path './node_modules/*' \
		-prune -exec rm -rf {} +
