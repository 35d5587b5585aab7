# `make demo` and `make test` need Python 3.11, 3.12 or 3.13 with venv, and a package index in reach;
# no C compiler. They set up .venv here, once. PYTHON=python3.12 chooses the Python.

export PYTHON
# The tests start hundreds of processes, each of which would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE
# One more than the cores that a small machine has: a good part of a test is waiting for a disk.
WORKERS ?= 3
BIN = .venv/bin
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

.PHONY: help demo test campaign mutants fuzz bench bench-scale setup lint wheelhouse verifier reading sbom release docs lock clean
.SILENT:

help:  ## list the targets
	sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null \
	|| sed -n 's/^\([a-z-]*\):.*## /  make \1: /p' Makefile

demo:  ## link two made-up agencies' files, in a minute; KEEP=1 leaves the broker running
	sh install/venv.sh broker
	$(BIN)/blindlink-broker demo $(if $(filter-out 0,$(KEEP)),--keep)

test:  ## run the quick tests, in minutes; ALL=1: all that a landing needs; ARGS=tests/schemas: of one room
	sh install/venv.sh dev
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal \
	  $(if $(ALL),-m "not soak and not index",--tier first) $(ARGS)

# What a run reports lies in .campaign; its table goes into docs/reliability.md, whatever tests have failed.
TRY = BLINDLINK_CAMPAIGN_REPORTS=.campaign $(if $(QUICK),,BLINDLINK_CAMPAIGN=full BLINDLINK_EXAMPLES=400) \
  $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(foreach row,$(ROW),--row $(row)) $(ARGS)
TRIED = $(if $(QUICK),campaign and not soak,$(if $(ROW),campaign,campaign or soak or long))

campaign:  ## kills, forgeries, floods, for hours; QUICK=1: for minutes; ROW=kills-broker: one row; GO_ON=1: what is left
	sh install/venv.sh dev
	if [ -n "$(GO_ON)" ] && [ -f .campaign/reports.jsonl ]; then \
	  cat .campaign/reports.jsonl >> .campaign/before.jsonl; rm .campaign/reports.jsonl; \
	elif [ -z "$(GO_ON)" ]; then rm -rf .campaign; fi
	$(if $(QUICK),,BLINDLINK_OWN_PROCESSES=1) $(TRY) -m "$(TRIED)" || true
	$(if $(QUICK),,BLINDLINK_TEST_DATABASE=postgres $(TRY) -m "$(if $(ROW),campaign,not soak and not index)" tests/app || true)
	PYTHONPATH=tests $(BIN)/python -m campaign.table .campaign --write $(if $(QUICK),,--full) \
	  $(foreach row,$(ROW),--row $(row))

# What mutmut tried before stays as it is, so that a run that was broken off goes on.
mutants:  ## change the source in thousands of ways, and see which no test notices; QUICK=1: one way in ten
	sh install/venv.sh dev
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: --requirement requirements/mutants.txt
	$(BIN)/python -m mutmut run $(if $(ONLY),"$(ONLY)",$(if $(QUICK),"*__mutmut_*7"))
	rm -rf .campaign
	PYTHONPATH=tests $(BIN)/python -m campaign.mutants .campaign
	PYTHONPATH=tests $(BIN)/python -m campaign.table .campaign --write --row mutants

# What reached something new lies in .fuzz, so that the next run goes on from there.
fuzz:  ## give every parser bytes that are led by the lines it reaches; QUICK=1: 2,000 each; ONLY=claims: one of them
	sh install/venv.sh dev
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: --requirement requirements/fuzz.txt
	rm -rf .campaign
	PYTHONPATH=tests $(BIN)/python -m campaign.fuzz .campaign \
	  $(if $(QUICK),--runs 2000) $(foreach name,$(ONLY),--only $(name)) || true
	PYTHONPATH=tests $(BIN)/python -m campaign.table .campaign --write --row fuzz

bench:  ## measure matching, encoding and the match log; QUICK=1 for a first look
	sh install/venv.sh dev
	$(BIN)/python benchmarks/matching.py $(if $(QUICK),--quick)
	$(BIN)/python benchmarks/encoding.py $(if $(QUICK),--rows 50000)
	$(BIN)/python benchmarks/matchlog.py $(if $(QUICK),--quick)

bench-scale:  ## measure what grows with the files, to six million a side (30 GB of disk); QUICK=1 for a first look
	sh install/venv.sh dev
	$(BIN)/python -m benchmarks.scale $(if $(QUICK),--quick) $(ARGS)
	$(BIN)/python -m benchmarks.upload $(if $(QUICK),--records 100000)

setup:  ## make the environment of the tests, and no more
	sh install/venv.sh dev

lint:  ## check style, types, imports and the Dockerfile
	sh install/venv.sh dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --no-warn-unreachable -p app -p blindlink_verify -p encoding -p schemas
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

wheelhouse:  ## write a folder to install from without a network; FOR=windows (linux, linux-arm, macos); WITH=review
	sh install/venv.sh broker
	$(BIN)/python install/wheelhouse.py $(if $(FOR),--platform $(FOR)) $(if $(FOR_PYTHON),--python $(FOR_PYTHON)) \
	  $(foreach extra,$(WITH),--with $(extra))

sbom:  ## write a bill of materials for each kind of install, CycloneDX 1.6, into sbom/
	sh install/venv.sh broker
	$(BIN)/python -m install.sbom

# What wheelhouse/ holds goes in, too. Each Python must install the wheel before it is signed.
release:  ## write, try and sign a release in dist/; KEY=the maintainer's key (CONTRIBUTING.md)
	test -n "$(KEY)" || { echo "error: KEY=... names the key that signs; CONTRIBUTING.md says how to make it" >&2; exit 2; }
	sh install/venv.sh broker
	$(BIN)/python -m install.release build
	for version in 3.11 3.12 3.13; do \
	  echo "on Python $$version"; \
	  python=$$(.ci/find-python $$version) || { echo "error: Python $$version is not here" >&2; exit 1; }; \
	  .ci/fresh-install "$$python" dist/blindlink-$(VERSION)/*.whl || exit 1; \
	done
	$(BIN)/python -m install.release sign "$(KEY)"

verifier:  ## write dist/blindlink-verify.pyz: the independent verifier as one file, for any Python with cryptography
	python3 install/verifier.py

reading:  ## write dist/blindlink-reading.zip: what an outside reviewer reads, with digests (docs/security/reading.md)
	sh install/venv.sh dev
	$(BIN)/python -m install.reading

docs:  ## build the site of these documents into site/, readable without a network or JavaScript
	sh install/venv.sh broker
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: --requirement requirements/docs.txt
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --conf-dir docs/site \
	  --doctree-dir build/doctrees . site
	echo "open site/index.html"

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header $(if $(UPGRADE),--upgrade)

# What is installed besides, a file each: its name, and what it is of.
EXTRAS = parquet=pyarrow review=textual store=obstore tables=highspy hsm=python-pkcs11 \
  traces=opentelemetry-exporter-otlp-proto-http+opentelemetry-sdk

lock:  ## make requirements/*.txt again after a change of pyproject.toml; UPGRADE=1 takes newer releases
	sh install/venv.sh broker
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/lock.txt
	$(COMPILE) pyproject.toml --all-extras --group dev \
	  --output-file requirements/dev.txt >/dev/null
	$(COMPILE) pyproject.toml --extra broker --extra postgres --extra sso \
	  --constraint requirements/dev.txt --output-file requirements/broker.txt >/dev/null
	$(COMPILE) pyproject.toml \
	  --constraint requirements/dev.txt --output-file requirements/agency.txt >/dev/null
	for extra in $(EXTRAS); do \
	  echo $${extra#*=} | tr + '\n' | $(COMPILE) - \
	    --constraint requirements/dev.txt --output-file requirements/$${extra%%=*}.txt >/dev/null || exit 1; \
	done
	$(COMPILE) --group build \
	  --constraint requirements/dev.txt --output-file requirements/build.txt >/dev/null
	$(COMPILE) --group lock --output-file requirements/lock.txt >/dev/null
	$(COMPILE) --group docs \
	  --constraint requirements/dev.txt --output-file requirements/docs.txt >/dev/null
	for group in mutants fuzz; do $(COMPILE) --group $$group \
	  --constraint requirements/dev.txt --output-file requirements/$$group.txt >/dev/null || exit 1; done

clean:  ## remove what the other targets made
	rm -rf .venv .bench .campaign .fuzz mutants build dist wheelhouse sbom site blindlink-demo *.egg-info
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis
	find app blindlink blindlink_verify encoding schemas tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
	find app -name '*.so' -delete
