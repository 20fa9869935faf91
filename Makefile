# `make demo` and `make test` do everything on a fresh Debian 12 with Rust, as root or with sudo: they say which packages
# are missing and install them.

SUDO     := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# gcc builds SQLite, the TLS library and libosdp, whose build asks git for its version; libpcsclite is what the pcsc crate links to; pcscd, util-linux and procps run the tests' readers.
PACKAGES := gcc git libc6-dev pkg-config libpcsclite-dev pcscd util-linux procps ca-certificates
CARD_PORT := 35963

.PHONY: demo test lint bench fuzz damage packages release

demo: packages
	cargo build --release --workspace
	tests/support/with-pcscd target/release/libvirtual_reader.so $(CARD_PORT) target/release/cardbridge demo --virtual-card 127.0.0.1:$(CARD_PORT)

test: packages lint
	cargo build --workspace
	cargo test --workspace

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

bench:
	cargo bench

# `make fuzz SECONDS=600`: each target for that long. It wants a nightly Rust; what it finds stays in fuzz/corpus.
SECONDS := 60
fuzz:
	@command -v cargo-fuzz >/dev/null || { echo "installing cargo-fuzz"; cargo install cargo-fuzz --locked; }
	for target in literal drawing decode template line answer; do cargo +nightly fuzz run $$target -- -max_total_time=$(SECONDS) || exit 1; done

# Turns over each bit of a small store, one after the other, and counts what came of it. Minutes.
damage:
	cargo test --test damage -- --ignored --nocapture

release: packages
	cargo build --release

packages:
	@missing=; for package in $(PACKAGES); do dpkg -s "$$package" >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  echo "installing the Debian packages that are missing:$$missing"; \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $$missing; \
	fi
