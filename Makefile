# Each target sets up what it needs, once, and again when that has changed.
#   make run        see it work: export a stand-in account into out/
#   make run-organization   the same of twelve accounts, into out-organization/
#   make test       lint, types and tests
#   make slow       the tests that take longest
#   make types      types alone;  make tests: the tests alone
#   make rehearse   deploy, run and destroy the stack, all on this machine
#   make fresh      set up a copy from nothing and run it under odd settings
#   make bootstrap  prepare an account and a region for deploys with the CDK
#   make synth      write the stack's template into cdk.out/
#   make diff       show what a deploy would change
#   make deploy     deploy the stack
#   make destroy    remove the stack; the snapshots stay
#   make docs       make the tables in docs/ again
#   make bench      measure against what people would use instead
#   make bench-organization   measure an organization of 10,000 accounts
#   make growth     measure how it grows with pools, regions and snapshots
#   make peers      install those, into .bench/
#   make spark      test the snippets for Spark, which needs Java
#   make lock       pin the dependencies again
#   make help       show this
# Options go in ARGS, as in: make deploy ARGS="-c settings=prod"
# docs/settings.md has the settings; lock takes ARGS=--upgrade.

BIN := .venv/bin
# Each stamp is in the folder that it stands for, so removing the folder removes the stamp. The program takes a fifth of
# the room that all takes which it is tested and deployed with.
PROGRAM_READY := .venv/.program
PYTHON_READY := .venv/.installed
CDK_READY := node_modules/.installed
# Only tests need it, and it is under AGPL: `make deploy` does not install it.
SIMULATOR_READY := tests/iam/node_modules/.installed
# The CDK CLI, jsii and cdk.json's python3 all look for node and python3 here first.
WITH_BIN := PATH="$(CURDIR)/$(BIN):$$PATH"

# A user may have set these for other projects. Here they would change what Python imports, checks or does at its end.
unexport PYTHONEXECUTABLE PYTHONHOME PYTHONINSPECT PYTHONOPTIMIZE PYTHONPATH PYTHONPLATLIBDIR PYTHONSAFEPATH
unexport PYTHONSTARTUP PYTHONWARNINGS
# Without bytecode, each process of the tests would compile all that it imports again. It goes into this folder alone.
unexport PYTHONDONTWRITEBYTECODE
# All text here is UTF-8, and so may be the name of this folder: in another locale Python would not find packages in it.
export PYTHONUTF8 := 1
# `make run` is left out: what it shows is for the user's own terminal.
test types tests slow rehearse fresh synth deploy diff destroy bootstrap docs bench bench-organization growth peers spark lock: export PYTHONIOENCODING := utf-8

.PHONY: run run-organization test types tests slow rehearse fresh synth deploy diff destroy bootstrap docs bench bench-organization growth peers spark lock help

run: $(PROGRAM_READY)
	@$(BIN)/pool-inventory demo

run-organization: $(PROGRAM_READY)
	@$(BIN)/pool-inventory demo --organization

# The comment at the top of this file.
help:
	@sed -n -e '/^#/!q' -e 's/^# \{0,3\}//p' Makefile

test: $(PYTHON_READY) $(CDK_READY) $(SIMULATOR_READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@$(MAKE) --no-print-directory -j2 types tests

types: $(PYTHON_READY)
	$(BIN)/mypy

tests: $(PYTHON_READY) $(CDK_READY) $(SIMULATOR_READY)
	$(BIN)/pytest

slow: $(PYTHON_READY) $(CDK_READY) $(SIMULATOR_READY)
	$(BIN)/pytest -m slow

rehearse: $(PYTHON_READY) $(CDK_READY) $(SIMULATOR_READY)
	@$(BIN)/python -m tests.rehearsal

fresh: $(PYTHON_READY)
	@$(BIN)/python -m tests.fresh

# What the deployed stack would lose is asked where something could be lost, and not where it is only looked at.
CDK := $(WITH_BIN) node_modules/.bin/cdk
synth: ASK := synth --quiet
deploy: ASK := deploy
diff: ASK := diff -c force=yes
destroy: ASK := destroy -c force=yes
bootstrap: ASK := bootstrap -c force=yes
synth deploy diff destroy bootstrap: $(PYTHON_READY) $(CDK_READY)
	@$(CDK) $(ASK) $(ARGS)

docs: $(PYTHON_READY)
	@$(WITH_BIN) python -m tools.tables
	@$(WITH_BIN) python -m tools.state_machine

peers: $(PYTHON_READY)
	@$(BIN)/python -m benchmarks.install

growth: $(PYTHON_READY)
	@$(BIN)/python -m benchmarks.growth $(ARGS)

bench-organization: $(PYTHON_READY)
	@$(BIN)/python -m benchmarks.organization $(ARGS)

bench: $(PYTHON_READY)
	@$(BIN)/python -m benchmarks $(ARGS)
	@$(WITH_BIN) python -m tools.tables

# Not a requirement of the tests: it is large, and needs Java. `make test` skips what needs it.
spark: $(PYTHON_READY)
	@$(PIP) install --quiet pyspark==4.3.0
	$(BIN)/pytest tests/consumers/test_recipes.py -k Spark

# Neither the command nor what it writes names a registry.
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --quiet

TERMINAL := --extra lambda --extra cli --extra demo --extra sql --group build

lock: $(BIN)/python
	@echo "Pinning requirements.txt, lambda/requirements.txt and lambda/requirements-terminal.txt"
	@$(PIP) install --quiet uv
	@$(COMPILE) $(TERMINAL) --group deploy --group dev --python-version 3.11 -o requirements.txt $(ARGS)
	@$(COMPILE) $(TERMINAL) --python-version 3.11 -c requirements.txt -o lambda/requirements-terminal.txt $(ARGS)
	@$(COMPILE) --extra lambda --python-version 3.12 -c requirements.txt -o lambda/requirements.txt $(ARGS)
	@$(MAKE) --no-print-directory $(PYTHON_READY)
	@echo "Pinning package-lock.json and tests/iam/package-lock.json"
	@$(NPM) install --package-lock-only
	@$(NPM) install --package-lock-only --prefix tests/iam

# pyenv's python3 may exist and not run, and python may be Python 2. There are no prerequisites: make would compare
# their times with those of the machine's Python, which this is a link to.
$(BIN)/python:
	@for name in python3 python; do \
	  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1 && break; \
	done; \
	interpreter=$$("$$name" infra/bundle/interpreter.py) && \
	echo "Making .venv with $$("$$interpreter" --version)" && \
	"$$interpreter" -m venv --clear .venv

# By pip, as infra/bundle/installer.py has it: the user's settings of indexes hold, and no other of theirs.
PIP := $(BIN)/python -m infra.bundle.installer

# Most installed modules are never imported. Those that are get their bytecode then.
INSTALL := $(PIP) install --quiet --no-compile --require-hashes

$(PROGRAM_READY): $(BIN)/python lambda/requirements-terminal.txt pyproject.toml
	@echo "Installing lambda/requirements-terminal.txt into .venv"
	@$(INSTALL) -r lambda/requirements-terminal.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(PYTHON_READY): $(PROGRAM_READY) requirements.txt
	@echo "Installing requirements.txt into .venv"
	@$(INSTALL) -r requirements.txt
	@touch $@

# NODE_ENV, npm_config_* and .npmrc of a user may set each of these, and options win over them.
NPM := $(WITH_BIN) npm --loglevel=error --no-fund --no-audit --omit-lockfile-registry-resolved \
  --location=project --global=false --install-strategy=hoisted --bin-links --ignore-scripts --dry-run=false --package-lock

$(CDK_READY): package.json package-lock.json | $(PYTHON_READY)
	@echo "Installing the CDK CLI into node_modules"
	@$(NPM) ci --package-lock-only=false
	@touch $@

$(SIMULATOR_READY): tests/iam/package.json tests/iam/package-lock.json | $(PYTHON_READY)
	@echo "Installing the simulator of IAM into tests/iam/node_modules"
	@$(NPM) ci --package-lock-only=false --prefix tests/iam
	@touch $@
