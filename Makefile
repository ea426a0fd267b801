SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The whole suite takes eleven minutes on two quiet cores; a test that hangs ends
# here, one on a machine that is busy with other work does not.
TIMEOUT ?= 40m
# How long each fuzz target and each benchmark runs.
FUZZTIME ?= 10s
BENCHTIME ?= 1s
# How many deployments make sim plays.
SEEDS ?= 10000
# How long make chaos goes on.
DURATION ?= 5m
# How long each outage of make failover lasts.
OUTAGE ?= 60s
# What starts PostgreSQL and Redis for a command, unless CRMSYNC_TEST_POSTGRES
# and CRMSYNC_TEST_REDIS name servers.
SERVERS := go run ./internal/servers --
# The linter is built from source at this version and cached.
GOLANGCI := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# It prints a line a package, and at the end what the failed tests said.
GOTESTSUM := go run gotest.tools/gotestsum@v1.13.0
# Where tools go that are not Go's.
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/crmsync
GOVULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: help
help: ## show what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: test
test: ## the whole suite with the race detector, shuffled, beside PostgreSQL and Redis; a skipped test fails
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; failed=0; \
	$(SERVERS) $(GOTESTSUM) --format pkgname --format-icons text --format-hide-empty-pkg --jsonfile "$$log" -- -race -shuffle=on -timeout=$(TIMEOUT) ./... || failed=1; \
	if grep -q '"Action":"skip".*"Test":' "$$log"; then echo 'FAIL: a skipped test proves nothing; give it what it needs or delete it'; failed=1; fi; \
	exit $$failed

.PHONY: sim
sim: ## SEEDS (10000) simulated deployments with every fault
	go test -count=1 -timeout 60m -v -run '^TestSimulation$$' ./sync/simtest -seeds $(SEEDS)

.PHONY: chaos
chaos: ## kill real processes and servers for DURATION (5m) and look for what is lost or doubled
	$(SERVERS) go test -count=1 -timeout 120m -v -run '^TestChaos$$' ./internal/chaos -duration $(DURATION)

.PHONY: failover
failover: ## take HubSpot, Bird, PostgreSQL and Redis away for OUTAGE (60s) under load
	@$(SERVERS) go test -count=1 -timeout 30m -v -run '^TestFailover$$' ./internal/failover -outage $(OUTAGE) | grep -vE '^(=== |redis: )'

.PHONY: figures
figures: ## the figures of sync/figures_*_test.go in full: 100,000 facts, 5,000 wrong writes
	@tests=$$(grep -hoE '^func Test[A-Za-z0-9_]+' sync/figures_*_test.go | sed 's/^func //' | paste -sd '|' -); \
	go test -count=1 -timeout 60m -tags figures -v -run "^($$tests)$$" ./sync | { grep -v '^=== ' || true; }

.PHONY: lint
lint: vuln rules ## gofmt, go vet, golangci-lint (staticcheck and gosec among it) and govulncheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(GOLANGCI) run ./...

.PHONY: vuln
vuln: ## known weaknesses of what we call; one line tells when their database cannot be reached
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	if timeout 300 $(GOVULNCHECK) ./... >"$$log" 2>&1; then tail -n 1 "$$log"; \
	elif [ $$? -eq 124 ] || grep -qE 'fetching vulnerabilities|dial tcp|no such host|lookup disabled' "$$log"; then \
		echo 'NOT CHECKED: govulncheck cannot reach https://vuln.go.dev from here'; \
	else cat "$$log"; exit 1; fi

# Debian's package would start a server; only the tool is taken out of it.
.PHONY: sbom
sbom: ## build crmsyncd, and list what it is made of, as CycloneDX, in crmsyncd.cdx.json beside it
	go build -trimpath -o build/crmsyncd ./examples/crmsyncd
	go run ./internal/sbom build/crmsyncd > build/crmsyncd.cdx.json

.PHONY: rules
rules: ## Prometheus' own look at the rules, with promtool, which is fetched; one line tells when it cannot be had
	@promtool=$$(command -v promtool || echo "$(TOOLS)/usr/bin/promtool"); \
	if [ ! -x "$$promtool" ]; then \
		if command -v brew >/dev/null; then brew install --quiet prometheus && promtool=$$(brew --prefix)/bin/promtool; \
		elif command -v dpkg >/dev/null; then dir=$$(mktemp -d); chmod 755 "$$dir"; trap 'rm -rf "$$dir"' EXIT; \
			(cd "$$dir" && apt-get download prometheus && dpkg -x prometheus_*.deb "$(TOOLS)"); fi >/dev/null 2>&1 || true; \
	fi; \
	if [ -x "$$promtool" ]; then cd examples/crmsyncd/monitoring && "$$promtool" check rules rules.yaml && "$$promtool" test rules rules_test.yaml; \
	else echo 'NOT CHECKED: promtool cannot be had here; it comes with Prometheus (apt-get install prometheus, brew install prometheus)'; fi

.PHONY: bench
bench: ## every benchmark with its figure, then bench-peers
	$(SERVERS) go test -run '^$$' -bench . -benchmem -benchtime=$(BENCHTIME) ./...
	@$(MAKE) --no-print-directory bench-peers

.PHONY: bench-peers
bench-peers: ## the queues beside River, asynq and what one writes by hand, about 10 minutes
	cd internal/bench && go vet ./... && go test ./...
	$(SERVERS) go -C internal/bench run .

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (10s)
	@grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | while IFS=: read -r file func; do \
		echo "$${file%/*} $${func#func }"; \
		go test -run '^$$' -fuzz "^$${func#func }$$" -fuzztime=$(FUZZTIME) "$${file%/*}" </dev/null; \
	done

.PHONY: browser
browser: ## the dashboard in a real Chromium, with axe-core; makes the pictures of docs/images anew
	@command -v "$${CHROME_BIN:-chromium}" >/dev/null || apt-get install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null 2>&1 \
		|| { echo 'make browser needs Chromium: install it (apt-get install chromium), or name one in CHROME_BIN'; exit 1; }
	cd internal/browser && go test -count=1 -timeout 10m . -args -images "$(CURDIR)/docs/images"

.PHONY: contract
contract: ## the vendor's own Node client against the HubSpot simulator (needs node and npm)
	go run ./hubspot/hubspottest/contract

.PHONY: quickstart
quickstart: ## watch contacts travel both ways, offline
	go run ./examples/quickstart

.PHONY: generate
generate: ## make the mocks anew
	go generate ./...

.PHONY: tidy-check
tidy-check: ## fail when go.mod or go.sum is not tidy
	go mod tidy -diff
