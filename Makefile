# What a newcomer types. The rest is cargo's.
ROWS    ?= 200000
WRITERS ?= 4
FAULTS  ?= all
JOBS    ?= 2
ROUNDS  ?= 200
SEED    ?= 1

.PHONY: help demo test faults deps build lint clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

demo: deps build ## See a live server move: two real servers, ROWS rows, WRITERS writers, a short report
	target/release/cutover rehearse playbooks/replication_swap.yaml --rows $(ROWS) --writers $(WRITERS)

test: deps lint ## Run everything: format, lints, and tests against real servers
	cargo test --locked --no-fail-fast

faults: deps build ## Let everything go wrong, one thing a round, and print a table: half an hour
	target/release/cutover rehearse playbooks/replication_swap.yaml --faults $(FAULTS) \
	  --rows 20000 --rate 300 --jobs $(JOBS) --rounds $(ROUNDS) --seed $(SEED)

deps: ## Install with apt what is missing (MariaDB, OpenSSH, HAProxy, fio, zstd, a C compiler)
	@.ci/deps

build: ## Build target/release/cutover
	cargo build --release --locked

lint: ## Check format and lints
	cargo fmt --check
	cargo clippy --locked --lib --bins -- -D warnings

clean: ## Remove what was built
	cargo clean
