# Every target sets up what it needs first. Variables: ENV= LAYER= SERVICE= SUFFIX= YES=1 ALLOW= PLAN= OUT= FORMAT=json LOCAL=1
# FORMAT=json renders JSON with `make render`, and makes the other verbs print JSON; `make lint` takes sarif or github.

PYTHON ?= python3
VENV   := .venv
LOCAL_VENV := .venv-local
AUDIT_VENV := .venv-audit
RUN    := $(VENV)/bin/python -m cicd_templates

# What a user says reaches the program as it was typed, as one argument: neither make nor the shell looks into it,
# because each recipe names it as "$ENV", from its environment.
SAID   := ENV LAYER SERVICE SUFFIX YES ALLOW FORMAT LOCAL APP WAIT NAME REPORTS POLICY EXPIRES OWNER TOOL REPORT BASE REF PART INPUTS SEED FOLDER EVERY PLAN OUT SEQUENCES \
          LEFT CONFIRM OLDER_THAN DESTROYING REFUSE TOOLS TOKENS
$(foreach each,$(SAID),$(if $(value $(each)),$(eval override $(each) := $$(value $(each)))$(eval export $(each))))
option = $(if $(value $(2)),$(1) "$$$(2)")
flag   = $(if $(call yes,$(2)),$(1))
yes    = $(if $(word 2,$(value $(1)))$(filter-out 1 yes true 0 no false,$(value $(1))),$(call wrong,$(1),1 or 0),$(filter 1 yes true,$(value $(1))))
wrong  = $(error $(1)=$(value $(1)) says nothing: write $(1)=$(2))

WHERE  = $(call option,--suffix,SUFFIX) $(call flag,--local,LOCAL)
TARGET = $(call option,--env,ENV) $(call option,--layer,LAYER) $(call option,--service,SERVICE) $(WHERE)
JSON   = $(if $(filter-out json yaml,$(value FORMAT)),$(call wrong,FORMAT,json or yaml),$(if $(filter json,$(value FORMAT)),--json))
ASK    = $(call flag,--yes,YES)

.DEFAULT_GOAL := help
.PHONY: help help-all render lint test demo plan deploy review upgrade-check release secret gate waive inspect outputs status destroy sweep adopt plan-discard check audit verify doctor recover deploy-policy \
        local local-stop rehearse bench bench-gate bench-deploy bench-destroy bench-rehearse soak test-long fuzz fuzz-rules mutate lock pins fmt clean setup setup-local setup-audit

help: ## Show the daily targets; help-all shows the rest
	@echo "make TARGET [ENV=staging] [LAYER=] [SERVICE=] [SUFFIX=] [YES=1] [LOCAL=1]"
	@awk -F':.*## ' '/^##@/ {daily = /Daily/} daily && /^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile

help-all: ## Show every target
	@awk -F':.*## ' '/^##@/ {printf "%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' Makefile

##@ Daily
render: $(VENV)/.done ## Render every layer for every environment into out/
	@$(RUN) render $(call option,--env,ENV) $(call option,--suffix,SUFFIX) $(call option,--format,FORMAT)

lint: $(VENV)/.done ## Lint the templates with cfn-lint, the code with ruff and mypy
	@$(RUN) lint $(call option,--suffix,SUFFIX) $(call option,--format,FORMAT)
	@$(if $(value FORMAT),,$(VENV)/bin/ruff check --quiet && $(VENV)/bin/ruff format --check --quiet && echo "ruff: clean")
	@$(if $(value FORMAT),,$(VENV)/bin/mypy)

test: $(VENV)/.done $(LOCAL_VENV)/.done ## Run the tests, with coverage
	@$(VENV)/bin/python -m pytest -q -n auto --dist worksteal --cov --cov-report=term

demo: $(VENV)/.done $(LOCAL_VENV)/.done ## Render, lint, deploy and destroy everything on a local AWS
	@$(RUN) demo

plan: $(VENV)/.done ## Plan a deployment and write the plan down
	@$(RUN) plan $(TARGET) $(JSON) $(call option,--out,OUT) $(call flag,--wait,WAIT)

deploy: $(VENV)/.done ## Deploy ENV through change sets, or exactly PLAN
	@$(RUN) deploy $(TARGET) $(ASK) $(JSON) $(call option,--plan,PLAN) $(call option,--allow,ALLOW) \
	  $(call option,--out,OUT) $(call flag,--wait,WAIT)

release: $(VENV)/.done ## Release APP: work tree, folder or zip; WAIT=1 follows its run
	@$(RUN) release $(call option,--app,APP) $(call option,--service,SERVICE) $(WHERE) $(call flag,--wait,WAIT)

outputs: $(VENV)/.done ## Show what the deployed stacks give out
	@$(RUN) outputs $(TARGET) $(JSON)

status: $(VENV)/.done ## Show the state of every stack; LEFT=1 what is beside it
	@$(RUN) status $(TARGET) $(JSON) $(call flag,--left,LEFT)

destroy: $(VENV)/.done ## Take ENV down and prove what is left; PLAN= does as planned
	@$(RUN) destroy $(TARGET) $(ASK) $(JSON) $(call option,--allow,ALLOW) $(call option,--plan,PLAN) $(call option,--confirm,CONFIRM)

##@ Review and set-up
rehearse: $(VENV)/.done $(LOCAL_VENV)/.done ## Run the rendered pipeline with APP here, under its own roles
	@$(RUN) rehearse $(call option,--app,APP) $(call option,--service,SERVICE) $(call option,--suffix,SUFFIX) $(ASK) \
	  $(call flag,--refuse,REFUSE) $(call option,--tools,TOOLS) $(call option,--token,TOKENS) $(JSON)

check: $(VENV)/.done ## Fail if out/ or the generated documents are stale
	@$(RUN) render --check
	@$(RUN) docs --check

review: $(VENV)/.done ## Say in words what changed in out/ since BASE=main
	@$(RUN) review $(call option,--base,BASE)

upgrade-check: $(VENV)/.done ## Say what revision REF= of this tool would change in out/
	@$(RUN) upgrade-check $(call option,--ref,REF)

audit: $(AUDIT_VENV)/.done ## Audit the rendered templates with checkov
	@$(AUDIT_VENV)/bin/checkov --directory out --framework cloudformation --skip-download --compact --quiet

verify: check lint test audit ## Everything that CI runs: check, lint, test, audit

secret: $(VENV)/.done ## Set the secret NAME of SERVICE, from a prompt or standard input
	@$(RUN) secret $(call option,--env,ENV) $(call option,--service,SERVICE) $(WHERE) $(call option,--name,NAME)

gate: $(VENV)/.done ## Judge REPORTS as the pipeline's gate will, by POLICY
	@$(RUN) gate $(call option,--reports,REPORTS) $(call option,--service,SERVICE) $(call option,--policy,POLICY) $(JSON)

waive: $(VENV)/.done ## Accept in POLICY what stops a release now, until EXPIRES
	@$(RUN) gate waive --all-current $(call option,--reports,REPORTS) $(call option,--expires,EXPIRES) \
	  $(call option,--owner,OWNER) $(call option,--service,SERVICE) $(call option,--policy,POLICY)

inspect: $(VENV)/.done ## Show what the gate reads in REPORT, written by TOOL
	@$(RUN) gate inspect $(call option,--tool,TOOL) $(JSON) $(call option,--,REPORT)

sweep: $(VENV)/.done ## Destroy copies that have expired, idle for OLDER_THAN=48h
	@$(RUN) sweep $(call option,--env,ENV) $(call flag,--local,LOCAL) $(ASK) $(JSON) $(call option,--older-than,OLDER_THAN)

adopt: $(VENV)/.done ## Take what a destroyed ENV kept back into its stacks
	@$(RUN) adopt $(TARGET) $(ASK)

doctor: $(VENV)/.done ## Look at what would make a deployment of ENV fail
	@$(RUN) doctor $(TARGET) $(JSON)

plan-discard: $(VENV)/.done ## Delete what plans of ENV left in AWS, or PLAN alone
	@$(RUN) plan-discard $(TARGET) $(call option,--plan,PLAN)

recover: $(VENV)/.done ## Say what each unsettled stack of ENV needs; runs nothing
	@$(RUN) recover $(TARGET) $(JSON)

deploy-policy: $(VENV)/.done ## Print the IAM policies for who deploys ENV; PART= one alone
	@$(RUN) deploy-policy $(call option,--env,ENV) $(call option,--suffix,SUFFIX) $(call flag,--destroying,DESTROYING) \
	  $(call option,--part,PART)

##@ Local AWS
local: $(VENV)/.done $(LOCAL_VENV)/.done ## Start the local AWS; then add LOCAL=1 to any verb
	@$(RUN) local

local-stop: $(VENV)/.done ## Stop the local AWS
	@$(RUN) local-stop

##@ Development
bench: $(VENV)/.done ## Measure the renderer beside the floor of its own imports
	@$(VENV)/bin/python tests/bench/render.py

bench-gate: $(VENV)/.done ## Measure the gate's readers beside json.loads
	@$(VENV)/bin/python tests/bench/gate.py

bench-destroy: $(VENV)/.done ## Measure the emptying of buckets, and its memory
	@$(VENV)/bin/python tests/bench/destroy.py

bench-deploy: $(VENV)/.done ## Measure the deployer's time and calls on a simulated AWS
	@$(VENV)/bin/python -m tests.bench.deploy

bench-rehearse: $(VENV)/.done $(LOCAL_VENV)/.done ## Measure what a rehearsal adds to the bare commands
	@$(VENV)/bin/python -m tests.bench.rehearse

soak: $(VENV)/.done $(LOCAL_VENV)/.done ## Deploy through SEQUENCES= of faults, rehearse with less rights
	@SEQUENCES="$${SEQUENCES:-10000}" $(VENV)/bin/python -m pytest -q tests/unit/deploy/runs/test_faults.py
	@$(VENV)/bin/python -m tests.soak.rehearse

test-long: $(VENV)/.done $(LOCAL_VENV)/.done ## Run the tests that take longer than a change should wait
	@$(VENV)/bin/python -m pytest -q -n auto --dist worksteal -m long

fuzz: $(VENV)/.done ## Feed the gate's readers damaged reports: INPUTS= many, by SEED=
	@$(VENV)/bin/python tests/fuzz/gate.py

fuzz-rules: $(VENV)/.done ## Run our lint rules over the templates of others in FOLDER
	@$(VENV)/bin/python tests/fuzz/rules.py "$$FOLDER"

mutate: $(VENV)/.done ## List what no lint rule notices in worse templates; EVERY=10
	@$(VENV)/bin/python -m tests.mutation.templates

# Extras stay in the lock: the pip that comes with Python 3.11 looks for a package asked for with an extra anew, and
# refuses the first release that is newer than the lock.
lock: ## Write the lock files from requirements*.in (needs uv)
	@for pair in requirements-dev.in:requirements.lock requirements-local.in:requirements-local.lock \
	    requirements-audit.in:requirements-audit.lock; do \
	  uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header \
	    --no-emit-index-url --no-emit-find-links --quiet "$${pair%%:*}" -o "$${pair##*:}" || exit 1; done

pins: $(VENV)/.done ## Resolve the tools of the checks again, by version and hash
	@$(VENV)/bin/python .ci/pin

fmt: $(VENV)/.done ## Format the code and write the generated documents
	@$(VENV)/bin/ruff check --fix --quiet && $(VENV)/bin/ruff format --quiet
	@$(RUN) docs

clean: ## Stop the local AWS and remove environments, caches and copies
	@if [ -x $(VENV)/bin/python ] && [ -f .state/local.json ]; then $(RUN) local-stop; fi
	@rm -rf $(VENV) $(LOCAL_VENV) $(AUDIT_VENV) .state build .coverage .mypy_cache .ruff_cache .hypothesis src/*.egg-info

setup: $(VENV)/.done ## Install the product's environment
setup-audit: $(AUDIT_VENV)/.done ## Install the auditor's environment
setup-local: $(LOCAL_VENV)/.done ## Install the local AWS's environment

# A stamp each, so that an environment is made once and again only when its lock changes.
$(VENV)/.locked: requirements.lock
	@.ci/environment $(PYTHON) $(VENV) requirements.lock
	@touch $@

$(VENV)/.done: $(VENV)/.locked setup.cfg pyproject.toml
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

$(LOCAL_VENV)/.done: requirements-local.lock
	@.ci/environment $(PYTHON) $(LOCAL_VENV) requirements-local.lock
	@touch $@

$(AUDIT_VENV)/.done: requirements-audit.lock
	@.ci/environment $(PYTHON) $(AUDIT_VENV) requirements-audit.lock
	@touch $@
