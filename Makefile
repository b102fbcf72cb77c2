test:
	cargo fmt --check
	cargo test --locked
.PHONY: test
