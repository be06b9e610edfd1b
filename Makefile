# Each target sets up what it needs, once: again only where what it was made from has changed.
#   make run      export a stand-in account into out/, with nothing but Python
#   make test     lint, types and all tests
#   make rehearse cdk deploy, run and destroy, all on this machine
#   make deploy   cdk deploy; settings go in ARGS, as in: make deploy ARGS="-c prefix=inventory"
#   make docs     make the tables of README and docs/cost.md, and the queries of docs/operations.md, anew
#   make bench    measure
#   make lock     pin dependencies anew; to the newest versions with ARGS=--upgrade

BIN := .venv/bin
# The stamps lie in what they speak for, so that removing a folder removes its stamp.
PYTHON_READY := .venv/.ready
NODE_READY := node_modules/.ready
# The CDK CLI, jsii and cdk.json's python3 all look for node and python3 here first.
WITH_BIN := PATH="$(CURDIR)/$(BIN):$$PATH"

.PHONY: run test types tests rehearse deploy docs bench lock

run: $(PYTHON_READY)
	@$(BIN)/pool-inventory demo

test: $(PYTHON_READY) $(NODE_READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@$(MAKE) --no-print-directory -j2 types tests

types: $(PYTHON_READY)
	$(BIN)/mypy

tests: $(PYTHON_READY) $(NODE_READY)
	$(BIN)/pytest

rehearse: $(PYTHON_READY) $(NODE_READY)
	@$(BIN)/python -m tests.rehearsal

deploy: $(PYTHON_READY) $(NODE_READY)
	@$(WITH_BIN) node_modules/.bin/cdk deploy $(ARGS)

docs: $(PYTHON_READY)
	@$(WITH_BIN) python -m docs.tables

bench: $(PYTHON_READY)
	@$(BIN)/python benchmarks/large.py
	@$(BIN)/python benchmarks/throttled.py
	@$(BIN)/python benchmarks/reading.py
	@$(BIN)/python benchmarks/usage.py
	@$(BIN)/python benchmarks/cost.py

# Names no registry, in the command or in what it writes.
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --quiet

lock: $(BIN)/python
	@echo "Pinning requirements.txt and lambda/requirements.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(COMPILE) --extra cli --group deploy --group dev --python-version 3.11 -o requirements.txt $(ARGS)
	@$(COMPILE) --python-version 3.12 -c requirements.txt -o lambda/requirements.txt $(ARGS)
	@$(MAKE) --no-print-directory $(PYTHON_READY)
	@echo "Pinning package-lock.json"
	@$(WITH_BIN) npm install --package-lock-only --omit-lockfile-registry-resolved --loglevel=error

# pyenv's python3 may be there and not run, and python may be Python 2. No prerequisites: make would hold their times
# against those of the machine's Python, which the link leads to.
$(BIN)/python:
	@for name in python3 python; do \
	  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1 && break; \
	done; \
	interpreter=$$("$$name" infra/interpreter.py) && \
	echo "Making .venv with $$("$$interpreter" --version)" && \
	"$$interpreter" -m venv --clear .venv

$(PYTHON_READY): $(BIN)/python requirements.txt pyproject.toml
	@echo "Installing requirements.txt into .venv"
# Most modules that are installed are never imported: what is gets its bytecode then.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(NODE_READY): package.json package-lock.json .npmrc | $(PYTHON_READY)
	@echo "Installing the CDK CLI into node_modules"
	@$(WITH_BIN) npm ci --loglevel=error
	@touch $@
