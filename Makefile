# What a newcomer types. The rest is cargo's.
ROWS    ?= 200000
WRITERS ?= 4
FAULTS  ?= all
JOBS    ?= 2
ROUNDS  ?= 200
SEED    ?= 1
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= playbook inventory journal accounts follow copy switch look

HOST = $(shell rustc -vV | sed -n 's/^host: //p')
# What cargo-fuzz would set; the sanitizer is left out, because the program forbids unsafe code.
COVERAGE = -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions --cfg fuzzing

.PHONY: help demo try quick test audit security check-displays faults bench fuzz deps build dist try-deb book tutorial lint clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: deps build ## See a live server move: two real servers, ROWS rows, WRITERS writers, a short report
	target/release/cutover rehearse playbooks/replication_swap.yaml --rows $(ROWS) --writers $(WRITERS)

try: deps build ## Rehearse every route on SERVER=PATH (mysqld, mariadbd, or an unpacked tarball), to TARGET=PATH if that is given
	@[ -n "$(SERVER)" ] || { echo 'name a server: make try SERVER=/opt/mysql-8.4' >&2; exit 2; }
	target/release/cutover try "$(SERVER)" $(if $(TARGET),"$(TARGET)")

# Clippy is the compiler here, as `cargo clippy` has it: what is tested is what was linted, tests too, and nothing is compiled twice.
test: deps ## Run everything: format, lints, and tests against real servers
	cargo fmt --check
	.ci/messages
	.ci/spelling
	.ci/audit
	RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-Dwarnings .ci/skips .ci/tests

quick: ## Format, lints, and every test that needs no server: after each edit
	cargo fmt --check
	.ci/messages
	cargo clippy --locked --lib --bins --test quick -- -D warnings
	CUTOVER_QUICK=1 CUTOVER_FUZZ_SECONDS=0.3 RUST_TEST_THREADS=$$((2 * $$(nproc))) cargo test --locked --lib --test quick

check-displays: deps ## Show plans to Mermaid's parser and a browser: needs npm and Chromium, pictures in target/displays
	cargo build --locked
	.ci/displays

security: deps ## Play the attacks: other accounts of a host, connections that say nothing, servers that lie, hostile names
	.ci/skips sh -c 'cargo test --locked --no-fail-fast --test security --test page && \
		cargo test --locked --test quick security && cargo test --locked --no-fail-fast --test cases names'

faults: deps build ## Let everything go wrong, one thing a round, and print a table: half an hour
	target/release/cutover rehearse playbooks/replication_swap.yaml --faults $(FAULTS) \
	  --rows 20000 --rate 300 --jobs $(JOBS) --rounds $(ROUNDS) --seed $(SEED)

bench: build ## Time a plan beside Ansible's check mode, verify beside pt-table-checksum, copies beside bare tools (installs what it needs)
	@.ci/deps bench
	benches/plan_beside_ansible.sh
	benches/verify_beside_pt_table_checksum.sh
	benches/copy_beside_bare_tools.sh

fuzz: ## Feed the program damaged playbooks, inventories, journals, and answers of servers and hosts, FUZZ_SECONDS each
	cp Cargo.lock fuzz/Cargo.lock # the program's own versions; the fuzzer's comes on top
	cd fuzz && RUSTFLAGS="$(COVERAGE)" cargo build --bins --target $(HOST)
	cd fuzz && for target in $(FUZZ_TARGETS); do \
		mkdir -p corpus/$$target artifacts && target/$(HOST)/debug/$$target -max_total_time=$(FUZZ_SECONDS) \
			-timeout=20 -max_len=20000 -dict=tokens.dict -artifact_prefix=artifacts/$$target- -print_final_stats=1 \
			corpus/$$target $$(ls -d seeds/$$target 2>/dev/null) || exit 1; \
	done

deps: ## Install with apt what is missing (MariaDB, mydumper, OpenSSH, HAProxy, fio, zstd, Graphviz, openssl, strace, systemd, Chromium, a C compiler)
	@.ci/deps

audit: ## Hold what the program is built from against deny.toml: licenses, sources, bans, known holes
	.ci/audit

build: ## Build target/release/cutover
	cargo build --release --locked

dist: ## Build what is given away, below target/dist: stripped binary, .deb, tarball, SBOM, checksums
	@.ci/deps dist
	.ci/dist

try-deb: ## Install the package of `make dist` in fresh Debian roots, and try it there (as root)
	@.ci/deps dist
	.ci/try_deb

book: ## Build the documentation as a book with a search: target/book/index.html
	.ci/book

tutorial: deps build ## Run every command of the tutorial, in two network namespaces with real servers (as root)
	CUTOVER=target/release/cutover tests/tutorial/run

lint: ## Check format, and lints of tests too: before a merge
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

clean: ## Remove what was built
	cargo clean
