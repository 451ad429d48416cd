# The hospital's commands. `make` or `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
CODE := hms tests tools $(wildcard benchmarks) config.py wsgi.py gunicorn.conf.py
WITH_LIBRARIES := . ./.stamps/environment;

.DEFAULT_GOAL := help
.PHONY: help run test quick bench chaos security setup lint fix lock migrate messages screenshots

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Start the whole hospital with demo data; Ctrl-C stops it (HMS_PORT, HMS_DATA_DIR)
	@$(PYTHON) tools/setup.py run
	@$(WITH_LIBRARIES) HMS_DEMO=$${HMS_DEMO:-1} exec $(BIN)/python -m hms.local.supervisor

test: ## Run every check and every test, browser tests included
	@$(PYTHON) tools/setup.py test
	@$(WITH_LIBRARIES) exec $(BIN)/python tools/check.py

quick: ## Check style, and run the quick tests of the desks that were changed
	@$(PYTHON) tools/setup.py test
	@$(WITH_LIBRARIES) exec $(BIN)/python tools/check.py --quick

bench: ## Run the benchmarks and print their table (SMALL=1: a tenth of the data; MILLION=1: ten times; PAPERS=1: papers alone; ONLY=search,book: these requests)
	@$(PYTHON) tools/setup.py run
	@$(WITH_LIBRARIES) HMS_BENCH=$(if $(SMALL),small)$(if $(PAPERS),papers)$(if $(MILLION),million) HMS_BENCH_ONLY=$(ONLY) exec $(BIN)/python -m benchmarks.run

chaos: ## Kill each program again and again while ten people work; check that nothing is lost (ten minutes)
	@$(PYTHON) tools/setup.py test
	@$(WITH_LIBRARIES) exec $(BIN)/python -m benchmarks.chaos

security: setup ## Print the table of docs/security.md: tests by class, figures, findings of the readers of code
	@$(BIN)/python tools/check.py --analyses-only
	@$(WITH_LIBRARIES) $(BIN)/python -m pytest -q -n 2 --dist loadfile --security-table

setup: ## Fetch everything the hospital and its tests need
	@$(PYTHON) tools/setup.py test

lint: setup ## Check style and the order of the desks
	@$(BIN)/python tools/check.py --lint-only

fix: setup ## Format the code and mend what can be mended by itself
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

lock: setup ## Write requirements/*.lock and THIRD_PARTY.md for pyproject.toml (UPGRADE=1: newest versions)
	@$(PYTHON) tools/lock.py $(if $(UPGRADE),--upgrade)
	@$(PYTHON) tools/setup.py test
	@$(BIN)/python tools/third_party.py

migrate: setup ## Write a migration for changed models: make migrate m="What changed"
	@$(BIN)/flask --app wsgi db migrate -m "$(m)"

screenshots: setup ## Take the README's pictures of each desk
	@$(WITH_LIBRARIES) $(BIN)/python tools/screenshots.py

messages: setup ## Collect the sentences to translate into translations/messages.pot
	@mkdir -p translations
	@$(BIN)/pybabel -q extract -F babel.cfg -k _ -k _l -k lazy_gettext --no-location -o translations/messages.pot .
	@grep -c '^msgid' translations/messages.pot
