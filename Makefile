# Every target sets up what it needs first. The line `<target>.takes` above a target lists the variables that it takes.
# docs/commands.md explains them.

PYTHON ?= python3
VENV   := .venv
LOCAL_VENV := .venv-local
AUDIT_VENV := .venv-audit

# The program reads ENV as CICD_TEMPLATES_ENV. Of all such variables, it reads only those that the target takes.
RUN     = CICD_TEMPLATES_MAKE="$($@.takes)" $(VENV)/bin/python -m cicd_templates

# The variables of most targets that work on stacks.
STACKS := ENV LAYER SERVICE SUFFIX LOCAL

# The code that make lint reads: that of the tool and of your own layers, but no application in the same repository.
CODE := generate.py src templates tests examples

# Announces a slow step, but only on a terminal.
on_terminal = if [ -t 1 ]; then echo "$(1)"; fi

# Python keeps compiled modules, whatever the shell says: otherwise each of our processes compiles the tool again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
TARGETS := help help-all render lint test demo plan deploy review comment upgrade-check release secret gate waive inspect evidence verify-evidence outputs status destroy sweep adopt unlock plan-discard check audit verify doctor drift recover acceptance deploy-policy own-tests init \
        local local-stop rehearse bench bench-gate bench-deploy bench-destroy bench-rehearse soak test-long test-properties fuzz fuzz-rules mutate lock pins fmt clean setup setup-local setup-audit
.PHONY: $(TARGETS)

help: ## Show the daily targets; help-all shows all
	@echo "make TARGET [ENV=staging] [LAYER=] [SERVICE=] [SUFFIX=] [YES=1] [LOCAL=1]"
	@awk -F':.*## ' '/^##@/ {daily = /Daily/} daily && /^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile
	@echo "make help-all lists every other target: review, set-up, local AWS, development"

help-all: ## Show every target
	@awk -F':.*## ' '/^##@/ {printf "%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' Makefile

##@ Daily
render.takes := ENV SUFFIX FORMAT
render: $(VENV)/.done ## Render every layer for every environment into out/
	@$(RUN) render

lint.takes := SUFFIX FORMAT
lint: $(VENV)/.done ## Lint the templates with cfn-lint, the code with ruff and mypy
	@$(RUN) lint
	@test -n "$$CICD_TEMPLATES_FORMAT" || { $(VENV)/bin/ruff check --quiet $(CODE) && $(VENV)/bin/ruff format --check --quiet $(CODE) && echo "ruff: clean"; }
	@test -n "$$CICD_TEMPLATES_FORMAT" || { $(call on_terminal,mypy reads the code); $(VENV)/bin/mypy; }

test: $(VENV)/.done $(LOCAL_VENV)/.done ## Test this tool itself, on projects of its own
	@$(RUN) docs --check
	@$(VENV)/bin/python -m pytest -q -n auto --dist loadgroup --cov --cov-report=term

demo: $(VENV)/.done $(LOCAL_VENV)/.done ## Render, lint, deploy and destroy everything on a local AWS
	@$(RUN) demo

plan.takes := $(STACKS) FORMAT OUT WAIT DRIFT REVERT_DRIFT PREVIEW
plan: $(VENV)/.done ## Plan a deployment of ENV and write the plan to a file
	@$(RUN) plan

deploy.takes := $(STACKS) YES FORMAT PLAN DIGEST ALLOW OUT WAIT HAND_OVER
deploy: $(VENV)/.done ## Deploy ENV through change sets, or exactly PLAN
	@$(RUN) deploy

release.takes := APP SERVICE SUFFIX LOCAL WAIT
release: $(VENV)/.done ## Release APP (a work tree, folder or zip); WAIT=1 follows the run
	@$(RUN) release

outputs.takes := $(STACKS) FORMAT
outputs: $(VENV)/.done ## Show the outputs of the deployed stacks
	@$(RUN) outputs

status.takes := $(STACKS) FORMAT LEFT
status: $(VENV)/.done ## Show the state of every stack; LEFT=1: resources without a stack
	@$(RUN) status

destroy.takes := $(STACKS) YES FORMAT ALLOW PLAN DIGEST CONFIRM
destroy: $(VENV)/.done ## Destroy ENV and list what is left; PLAN= executes a plan
	@$(RUN) destroy

##@ Review and set-up
acceptance.takes := LOCAL YES
acceptance: $(VENV)/.done $(LOCAL_VENV)/.done ## Prove all of it on your accounts, or with LOCAL=1 here; resumes
	@$(RUN) acceptance

init.takes := PROJECT SERVICES ENVIRONMENTS ACCOUNTS REGION EMAIL SOURCE YES
init: $(VENV)/.done ## Write the configuration of a new project; ask for the answers
	@$(RUN) init

rehearse.takes := APP EXAMPLE SERVICE SUFFIX YES REFUSE TOOLS TOKENS FORMAT
rehearse: $(VENV)/.done $(LOCAL_VENV)/.done ## Run the rendered pipeline on this machine, with APP, under IAM
	@$(RUN) rehearse

check: $(VENV)/.done ## Fail if out/ is not what templates/ renders
	@$(RUN) render --check

review.takes := BASE
review: $(VENV)/.done ## Describe in words what changed in out/ since BASE=main
	@$(RUN) review

comment.takes := BASE PLAN OUT LOCAL
comment: $(VENV)/.done ## Write the comment on a pull request from previews and BASE=
	@$(RUN) comment

upgrade-check.takes := REF YES
upgrade-check: $(VENV)/.done ## Run revision REF of this tool; show its changes to out/
	@$(RUN) upgrade-check

audit: $(AUDIT_VENV)/.done ## Audit the rendered templates with checkov
	@test -f out/SHA256SUMS || { echo "error: out/ has no templates; run \`make render\` first" >&2; exit 2; }
	@$(call on_terminal,checkov reads the templates in about half a minute)
	@$(AUDIT_VENV)/bin/checkov --directory out --framework cloudformation --skip-download --compact --quiet

own-tests: $(VENV)/.done ## Run the tests of your own layers, in templates/extra/tests
	@if [ -d templates/extra/tests ]; then $(VENV)/bin/python -m pytest -q templates/extra/tests; \
	else echo "own tests: none in templates/extra/tests; examples/own-layer has some to start from"; fi

verify.takes := $(lint.takes)
verify: check lint own-tests audit ## Everything that your CI runs, on your project

secret.takes := ENV SERVICE SUFFIX LOCAL NAME
secret: $(VENV)/.done ## Set the secret NAME of SERVICE, from a prompt or standard input
	@$(RUN) secret

gate.takes := REPORTS SERVICE EXAMPLE POLICY FORMAT
gate: $(VENV)/.done ## Judge the folder REPORTS as the pipeline's gate would, by POLICY
	@$(RUN) gate

waive.takes := REPORTS EXPIRES OWNER SERVICE EXAMPLE POLICY
waive: $(VENV)/.done ## Accept the findings that stop a release, until EXPIRES
	@$(RUN) gate waive --all-current

inspect.takes := TOOL REPORT FORMAT
inspect: $(VENV)/.done ## Show what the gate reads in REPORT, written by TOOL
	@$(RUN) gate inspect

evidence.takes := SERVICE SUFFIX LOCAL EXECUTION RELEASE DIGEST OUT NOT_ATTESTED
evidence: $(VENV)/.done ## Collect the signed evidence of the last release, and verify it
	@$(RUN) evidence

verify-evidence.takes := FOLDER KEY NOT_ATTESTED
verify-evidence: $(VENV)/.done ## Verify the evidence of a release in FOLDER, offline
	@$(RUN) verify-evidence

sweep.takes := ENV LOCAL YES FORMAT OLDER_THAN
sweep: $(VENV)/.done ## Destroy expired copies that were idle for OLDER_THAN=48h
	@$(RUN) sweep

adopt.takes := $(STACKS) YES
adopt: $(VENV)/.done ## Import resources that a destroyed ENV kept into its stacks
	@$(RUN) adopt

unlock.takes := ENV SUFFIX LOCAL HOLDER
unlock: $(VENV)/.done ## Remove the lock that the ended command HOLDER left on ENV
	@$(RUN) unlock

doctor.takes := $(STACKS) FORMAT
doctor: $(VENV)/.done ## Check ENV for problems that would make a deployment fail
	@$(RUN) doctor

plan-discard.takes := $(STACKS) PLAN
plan-discard: $(VENV)/.done ## Delete the change sets of all plans of ENV, or of PLAN
	@$(RUN) plan-discard

drift.takes := $(STACKS) FORMAT
drift: $(VENV)/.done ## Find changes that were made to ENV outside CloudFormation
	@$(RUN) drift

recover.takes := $(STACKS) FORMAT
recover: $(VENV)/.done ## Show how to repair stacks of ENV that block a deployment
	@$(RUN) recover

deploy-policy.takes := ENV SUFFIX DESTROYING PART
deploy-policy: $(VENV)/.done ## Print the IAM policies that deploying ENV needs, or only PART
	@$(RUN) deploy-policy

##@ Local AWS
local: $(VENV)/.done $(LOCAL_VENV)/.done ## Start the local AWS; then add LOCAL=1 to any verb
	@$(RUN) local

local-stop: $(VENV)/.done ## Stop the local AWS
	@$(RUN) local-stop

##@ Development
bench: $(VENV)/.done ## Measure the renderer against its imports and raw troposphere
	@$(VENV)/bin/python -m tests.bench.render

bench-gate: $(VENV)/.done ## Measure the gate's report readers against json.loads
	@$(VENV)/bin/python tests/bench/gate.py
	@$(VENV)/bin/python tests/bench/proportion.py

bench-destroy: $(VENV)/.done ## Measure the speed and the memory of emptying buckets
	@$(VENV)/bin/python tests/bench/destroy.py

bench-deploy: $(VENV)/.done ## Measure the deployer's time and calls on a simulated AWS
	@$(VENV)/bin/python -m tests.bench.deploy

bench-rehearse: $(VENV)/.done $(LOCAL_VENV)/.done ## Measure the overhead of a rehearsal over the bare commands
	@$(VENV)/bin/python -m tests.bench.rehearse

soak.takes := SEQUENCES SEED
soak: $(VENV)/.done $(LOCAL_VENV)/.done ## Deploy through SEQUENCES faults; rehearse with missing rights
	@SEQUENCES="$${CICD_TEMPLATES_SEQUENCES:-10000}" SEED="$${CICD_TEMPLATES_SEED:-$$(date +%s)}" $(VENV)/bin/python -m pytest -q -m long tests/unit/deploy/runs tests/integration/test_settlement.py
	@$(VENV)/bin/python -m tests.soak.rehearse

test-long: $(VENV)/.done $(LOCAL_VENV)/.done ## Run the tests that are too slow for every change
	@$(VENV)/bin/python -m pytest -q -n auto --dist loadgroup -m long

test-properties: $(VENV)/.done ## Try every property test with eight times as many examples
	@$(VENV)/bin/python -m pytest -q -n auto --dist loadgroup -m "hypothesis and not long" --hypothesis-profile=thorough

fuzz.takes := INPUTS SEED
fuzz: $(VENV)/.done ## Feed INPUTS damaged reports to the gate's readers, from SEED
	@INPUTS="$${CICD_TEMPLATES_INPUTS:-100000}" SEED="$${CICD_TEMPLATES_SEED:-1}" $(VENV)/bin/python -m tests.fuzz.gate

fuzz-rules.takes := FOLDER
fuzz-rules: $(VENV)/.done ## Run our lint rules over other people's templates in FOLDER
	@$(VENV)/bin/python tests/fuzz/rules.py "$$CICD_TEMPLATES_FOLDER"

mutate.takes := EVERY
mutate: $(VENV)/.done ## Worsen templates; list changes that no rule notices; EVERY=10
	@EVERY="$${CICD_TEMPLATES_EVERY:-1}" $(VENV)/bin/python -m tests.mutation.templates

# The lock keeps extras: otherwise the pip of Python 3.11 resolves a package with an extra again, and refuses the first
# release that is newer than the lock.
lock: ## Write the lock files from requirements*.in (needs uv)
	@for pair in requirements-dev.in:requirements.lock requirements-local.in:requirements-local.lock \
	    requirements-audit.in:requirements-audit.lock; do \
	  uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header \
	    --no-emit-index-url --no-emit-find-links --quiet "$${pair%%:*}" -o "$${pair##*:}" || exit 1; done

pins: $(VENV)/.done ## Pin the tools of the checks again, by version and hash
	@$(VENV)/bin/python .ci/pin

fmt: $(VENV)/.done ## Format the code and write the generated documents
	@$(VENV)/bin/ruff check --fix --quiet $(CODE) && $(VENV)/bin/ruff format --quiet $(CODE)
	@$(RUN) docs

clean: ## Stop the local AWS and remove environments, caches and copies
	@if [ -x $(VENV)/bin/python ] && [ -f .state/local.json ]; then $(RUN) local-stop; fi
	@rm -rf $(VENV) $(LOCAL_VENV) $(AUDIT_VENV) .state build .coverage .mypy_cache .ruff_cache .hypothesis src/*.egg-info

setup: $(VENV)/.done ## Install the product's environment
setup-audit: $(AUDIT_VENV)/.done ## Install the auditor's environment
setup-local: $(LOCAL_VENV)/.done ## Install the local AWS's environment

# A stamp file for each environment. The environment is created once, and again only after its lock file changes.
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

# Only variables on make's command line count. A variable that the shell exports has no effect. A variable that no target
# of the command line takes is refused before anything runs.
GOALS   := $(or $(MAKECMDGOALS),help)
TAKEN   := $(sort $(foreach goal,$(GOALS),$($(goal).takes)))
KNOWN   := $(sort $(foreach name,$(filter %.takes,$(.VARIABLES)),$($(name))))
TYPED   := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
REFUSED := $(filter-out $(TAKEN) PYTHON VENV LOCAL_VENV AUDIT_VENV SHELL MAKE MAKEFLAGS,$(TYPED))
UNKNOWN := $(filter-out $(TARGETS) .% build/%,$(GOALS))
quoted   = '$(subst ','\'',$(1))'
lost     = $(shell $(PYTHON) .ci/refuse --target $(call quoted,$(firstword $(UNKNOWN))) '$(TARGETS)')
$(if $(UNKNOWN),$(error $(or $(lost),there is no target $(firstword $(UNKNOWN)), so nothing ran)))
reason   = $(shell $(PYTHON) .ci/refuse $(call quoted,$(GOALS)) $(call quoted,$(REFUSED)) '$(TAKEN)')
$(if $(REFUSED),$(error $(or $(reason),`make $(GOALS)` does not take $(firstword $(REFUSED))=)))

# All other variables are passed on as they were typed: `value` and `:=` keep make from expanding them, and no recipe
# writes their values into a shell command.
$(foreach name,$(KNOWN),$(eval unexport CICD_TEMPLATES_$(name)))
$(foreach name,$(filter $(KNOWN),$(TYPED)),$(eval unexport $(name))$(eval export CICD_TEMPLATES_$(name) := $$(value $(name))))
