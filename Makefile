# The doors of the house. `make run` and `make test` need nothing but a Rust toolchain on Debian or Ubuntu.
.PHONY: run test check bench bench-full soak

# Build and start the server on SQLite, in .run/.
run:
	@scripts/run

# Everything: format, lints, and all tests against SQLite, PostgreSQL, real processes and a browser.
test:
	@CARGO_INCREMENTAL=0 scripts/services $(MAKE) --no-print-directory check suite

# What can go wrong, at twenty times its length in the tests, and a steady load for SOAK_MINUTES on each engine. Some two hours.
soak:
	@SOAK=20 scripts/services cargo test --locked --test e2e -- races:: consents:: crash:: keys::rotation outages:: upgrade:: memory:: --nocapture --test-threads 2
	@SOAK_MINUTES=$(or $(SOAK_MINUTES),15) scripts/services cargo test --locked --test e2e -- steady:: --nocapture --test-threads 1

# Without services: format and lints.
check:
	cargo fmt --check
	cargo clippy --locked --all-targets --quiet -- -D warnings
	cargo clippy --locked --quiet --features fault-hooks -- -D warnings

.PHONY: suite
suite:
	cargo test --locked

# A load generator against the release build; prints a table. Below eight minutes.
bench:
	@scripts/bench

bench-full:
	@scripts/bench --full

# What size costs: each endpoint with 10,000 and with 1,000,000 tokens, and every list page, on both databases.
.PHONY: bench-scale
bench-scale:
	@scripts/bench --scale

# Fills a database that a server has made and that none uses now: make seed DSN=oauth.db ROWS=1000000
.PHONY: seed
seed:
	@cargo run --locked --release --quiet --example load -- --fill "$(DSN)" --rows "$(or $(ROWS),1000000)"

# Pictures of every page: all in target/screens, a small set in docs/screens.
.PHONY: screens
screens:
	@scripts/screens
