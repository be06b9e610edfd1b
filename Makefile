# Each target sets up what it needs, once: again only where what it was made from has changed.
#   make run      export a stand-in account into out/, with nothing but Python
#   make test     lint, types and all tests
#   make rehearse cdk deploy, run and destroy, all on this machine
#   make fresh    set up a copy from nothing, and run it, under all that a user may have set for other projects
#   make deploy   cdk deploy; settings go in ARGS, as in: make deploy ARGS="-c prefix=inventory"
#   make docs     make the tables of README and docs/cost.md, and the queries of docs/operations.md, anew
#   make bench    measure
#   make spark    test the snippets for Spark, which needs Java and half a gigabyte
#   make lock     pin dependencies anew; to the newest versions with ARGS=--upgrade

BIN := .venv/bin
# The stamps lie in what they speak for, so that removing a folder removes its stamp.
PYTHON_READY := .venv/.installed
CDK_READY := node_modules/.installed
# What only tests need, and what is under AGPL: `make deploy` installs none of it.
SIMULATOR_READY := tests/iam/node_modules/.installed
# The CDK CLI, jsii and cdk.json's python3 all look for node and python3 here first.
WITH_BIN := PATH="$(CURDIR)/$(BIN):$$PATH"

# What a user set for other projects, and what would change here what Python is, imports, checks or does at its end.
unexport PYTHONEXECUTABLE PYTHONHOME PYTHONINSPECT PYTHONOPTIMIZE PYTHONPATH PYTHONPLATLIBDIR PYTHONSAFEPATH
unexport PYTHONSTARTUP PYTHONWARNINGS
# All text here is UTF-8, and this folder's name may be: in another locale than that, packages would not be found in it.
export PYTHONUTF8 := 1
# But what `make run` shows is for the user's own terminal.
test types tests rehearse fresh deploy docs bench spark lock: export PYTHONIOENCODING := utf-8

.PHONY: run test types tests rehearse fresh deploy docs bench spark lock

run: $(PYTHON_READY)
	@$(BIN)/pool-inventory demo

test: $(PYTHON_READY) $(CDK_READY) $(SIMULATOR_READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@$(MAKE) --no-print-directory -j2 types tests

types: $(PYTHON_READY)
	$(BIN)/mypy

tests: $(PYTHON_READY) $(CDK_READY) $(SIMULATOR_READY)
	$(BIN)/pytest

rehearse: $(PYTHON_READY) $(CDK_READY) $(SIMULATOR_READY)
	@$(BIN)/python -m tests.rehearsal

fresh: $(PYTHON_READY)
	@$(BIN)/python -m tests.fresh

deploy: $(PYTHON_READY) $(CDK_READY)
	@$(WITH_BIN) node_modules/.bin/cdk deploy $(ARGS)

docs: $(PYTHON_READY)
	@$(WITH_BIN) python -m docs.tables

bench: $(PYTHON_READY)
	@$(BIN)/python benchmarks/large.py
	@$(BIN)/python benchmarks/throttled.py
	@$(BIN)/python benchmarks/reading.py
	@$(BIN)/python benchmarks/usage.py
	@$(BIN)/python benchmarks/cost.py

# No requirement of the tests: it is large, and needs Java. `make test` skips what needs it.
spark: $(PYTHON_READY)
	@$(PIP) install --quiet pyspark==4.3.0
	$(BIN)/pytest tests/consumers/test_recipes.py -k Spark

# Names no registry, in the command or in what it writes.
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --quiet

lock: $(BIN)/python
	@echo "Pinning requirements.txt and lambda/requirements.txt"
	@$(PIP) install --quiet uv
	@$(COMPILE) --extra cli --group deploy --group dev --python-version 3.11 -o requirements.txt $(ARGS)
	@$(COMPILE) --python-version 3.12 -c requirements.txt -o lambda/requirements.txt $(ARGS)
	@$(MAKE) --no-print-directory $(PYTHON_READY)
	@echo "Pinning package-lock.json and tests/iam/package-lock.json"
	@$(NPM) install --package-lock-only
	@$(NPM) install --package-lock-only --prefix tests/iam

# pyenv's python3 may be there and not run, and python may be Python 2. No prerequisites: make would hold their times
# against those of the machine's Python, which the link leads to.
$(BIN)/python:
	@for name in python3 python; do \
	  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1 && break; \
	done; \
	interpreter=$$("$$name" infra/interpreter.py) && \
	echo "Making .venv with $$("$$interpreter" --version)" && \
	"$$interpreter" -m venv --clear .venv

# By pip, as infra/installer.py has it: the user's settings of indexes hold, and no other of theirs.
PIP := $(BIN)/python -m infra.installer

$(PYTHON_READY): $(BIN)/python requirements.txt pyproject.toml
	@echo "Installing requirements.txt into .venv"
# Most modules that are installed are never imported: what is gets its bytecode then.
	@$(PIP) install --quiet --no-compile --require-hashes -r requirements.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# A user's NODE_ENV, npm_config_* and .npmrc have defaults for each of these, but options win over them.
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
