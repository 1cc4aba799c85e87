# Two commands do everything: `make repro` runs the main job, `make test` passes the tests.
# On a machine with an NVIDIA GPU the GPU build of onnxruntime is installed, else the CPU build.

PYTHON ?= python3
VENV   ?= .venv
EXTRA  ?= $(shell nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu)
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready-$(EXTRA)

# uv finds local wheels where pip is told to look for them
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
export MLFLOW_DISABLE_TELEMETRY := true
# a second thread gains the small default encoders little, and two that spin can stall each other
# where other processes compete (benchmarks/threads.py); large encoders want more: OMP_NUM_THREADS=8
export OMP_NUM_THREADS ?= 1
# dvc experiments make commits of their own, also where git does not know who you are
export GIT_AUTHOR_NAME ?= mibsk
export GIT_AUTHOR_EMAIL ?= mibsk@localhost
export GIT_COMMITTER_NAME ?= mibsk
export GIT_COMMITTER_EMAIL ?= mibsk@localhost

.PHONY: help install repro paper test test-slow test-all lint format types ui clean

help:
	@echo "make repro           run the main job: prepare, train, evaluate, export, report"
	@echo "make repro SET='prepare.dataset=spoken_digits'   ... with other parameters"
	@echo "make paper           run the paper's experiments, small; SETTING=paper: in full, on a GPU"
	@echo "make test            pass the tests (test-slow: the slow ones; test-all: both)"
	@echo "make lint            check style and types"
	@echo "make ui              open MLflow on the tracked runs"

install: $(READY)

# the stamp is written last: an interrupted install is simply run again
$(READY): pyproject.toml constraints.txt
	@echo "Installing into $(VENV) (extra: $(EXTRA)) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@# a machine that gained or lost its GPU: the two builds of onnxruntime must not meet
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

SETTING ?= small
paper: $(READY)
	@export PATH="$(abspath $(BIN)):$$PATH"; cd pipelines/paper && dvc repro report@$(SETTING)

test: $(READY)
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow

test-all: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

ui: $(READY)
	@echo "MLflow: http://127.0.0.1:5000 (Ctrl-C ends it)"
	$(BIN)/mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port 5000

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis
