# `make demo` and `make test` do everything on a fresh Debian 12 with Rust, as root or with sudo: they say which packages
# are missing and install them.

SUDO     := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# gcc builds SQLite, the TLS library and libosdp, whose build asks git for its version; libpcsclite is what the pcsc crate links to; pcscd, util-linux and procps run the tests' readers, curl the README's requests, and systemd judges the units.
PACKAGES := gcc git libc6-dev pkg-config libpcsclite-dev pcscd util-linux procps strace curl ca-certificates systemd
CARD_PORT := 35963
TARGET   := $(or $(CARGO_TARGET_DIR),target)
RUST     := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
# The browser of the page's tests, and what fetches the judges of pages and of the API.
BROWSER  := chromium chromium-driver fonts-dejavu-core python3-venv
PYTHON   := $(TARGET)/python
# The guest of `make test-usb`: an emulated machine, and what makes its first file system and plays udev in it.
GUEST    := qemu-system-x86 busybox-static cpio kmod udev libccid

.PHONY: demo test test-api test-usb judges screenshots soak torture supply reproducible auditable lint bench calibrate damage fuzz mutants packages release deb test-deb rust

demo: packages
	cargo build --release --workspace
	tests/support/with-pcscd $(TARGET)/release/libvirtual_reader.so $(CARD_PORT) $(TARGET)/release/cardbridge demo --virtual-card 127.0.0.1:$(CARD_PORT)

test: PACKAGES += $(BROWSER)
test: packages judges lint
	cargo build --workspace
	cargo test --workspace

# What judges the pages (axe) and the API (schemathesis): fetched once, and kept out of this repository.
judges: $(PYTHON)/axe.min.js $(PYTHON)/bin/schemathesis
$(PYTHON)/axe.min.js $(PYTHON)/bin/schemathesis: PACKAGES += $(BROWSER)
$(PYTHON)/axe.min.js: | packages
	python3 -m venv $(PYTHON)
	$(PYTHON)/bin/pip install --quiet --no-deps axe-playwright-python==0.1.8
	cp $(PYTHON)/lib/python3*/site-packages/axe_playwright_python/axe.min.js $@
$(PYTHON)/bin/schemathesis: | packages
	python3 -m venv $(PYTHON)
	$(PYTHON)/bin/pip install --quiet schemathesis==4.32.5

# Asks the station's API thousands of odd things, other ones each time, and holds each answer against the API's own
# description: `make test-api EXAMPLES=1000`.
EXAMPLES := 200
test-api: judges
	EXAMPLES=$(EXAMPLES) cargo test --test openapi -- --nocapture

# The pictures that the README shows.
screenshots: PACKAGES += $(BROWSER) pngquant
screenshots: judges
	cargo test --test browser --test kiosk -- --ignored --nocapture pictures
	pngquant --force --ext .png 64 packaging/pictures/*.png
	@large=$$(find packaging/pictures -size +60k); if [ -n "$$large" ]; then echo "too large for the README: $$large"; exit 1; fi

# Readers on USB, plugged in and unplugged in a guest with Debian's kernel: no part of `make test`. The kernel is fetched
# into target/guest and not installed. `ROUNDS=50 make test-usb` replugs each reader so often.
test-usb: PACKAGES += $(GUEST)
test-usb: packages
	tests/guest/make-initramfs target/guest
	cargo test --test usb -- --ignored --nocapture

# What `make test` does a few times, many times: `make soak TAPS=50000 OUTAGE_S=600 REPLUGS=1000 KILLS=200`, an hour.
TAPS := 50000
OUTAGE_S := 600
REPLUGS := 1000
KILLS := 200
soak: packages
	cargo build --release
	PROGRAM=$(TARGET)/release/cardbridge TAPS=$(TAPS) OUTAGE_S=$(OUTAGE_S) cargo test --test soak -- --nocapture
	REPLUGS=$(REPLUGS) cargo test --test serial_readers plugged_in_again_and_again
	KILLS=$(KILLS) cargo test --test smartcards killed_under_load

# Power cuts: at every call to the system of an enrollment, and at random moments; and random histories of answers and of taps against
# the pure rules. `make torture KILLS=10000 HISTORIES=100000` takes an hour and more.
HISTORIES := 100000
torture: KILLS := 10000
torture: packages
	cargo build --release
	PROGRAM=$(TARGET)/release/cardbridge EVERY_CALL=1 KILLS=$(KILLS) cargo test --test torture -- --nocapture
	EVERY_CALL=1 cargo test --test disks -- --nocapture
	HISTORIES=$(HISTORIES) cargo test --test histories
	PROPTEST_CASES=$(HISTORIES) cargo test --lib station::tests::shaken

# What the program is made of: licences, two versions of one crate, where crates come from, and advisories where their database is here.
ADVISORIES := $(or $(CARGO_HOME),$(HOME)/.cargo)/advisory-dbs
supply:
	@command -v cargo-deny >/dev/null || { echo "installing cargo-deny"; cargo install cargo-deny --locked; }
	cargo deny check licenses bans sources
	@if [ -d "$(ADVISORIES)" ]; then cargo deny --offline check advisories; \
	else echo "there is no database of advisories here: cargo deny fetch, then make supply again"; fi

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

# The table of what would be enrolled without a question: source × length × verdict × what would be asked.
calibrate:
	cargo test --test calibration -- --nocapture --test-threads=1

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

# Breaks the rules in small ways, one after the other, and says which breaks no test notices: some fourteen hundred, a minute each.
# `make mutants SHARD=0/40` takes every fortieth, `make mutants MUTATE=src/outbox/progress.rs` those of one file.
MUTATE := src/enroll/**/*.rs src/outbox/**/*.rs src/station/**/*.rs src/access/**/*.rs src/blusky/cards.rs
SHARD := 0/1
mutants: packages
	@command -v cargo-mutants >/dev/null || { echo "installing cargo-mutants"; cargo install cargo-mutants --locked; }
	cargo mutants $(foreach file,$(MUTATE),-f '$(file)') --shard $(SHARD) -o $(TARGET) -- --lib --test enrolling --test outbox --test proving --test blusky

# Where it is built, and by whom, stands nowhere in the program: two builds are one, byte by byte. The list of its crates does stand in
# it (cargo-auditable), and its C parts watch their stacks, as `.cargo/config.toml` says for every build.
CARGO_FOLDER := $(or $(CARGO_HOME),$(HOME)/.cargo)
release deb: export RUSTFLAGS := --remap-path-prefix=$(CURDIR)=/cardbridge --remap-path-prefix=$(CARGO_FOLDER)=/cargo
release deb: export CFLAGS := -fstack-protector-strong -ffile-prefix-map=$(CURDIR)=/cardbridge -ffile-prefix-map=$(CARGO_FOLDER)=/cargo
# libosdp writes down the revision of whatever repository it lies in: of none.
release deb: export GIT_CEILING_DIRECTORIES := $(CARGO_FOLDER)/registry
release deb: export SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null || date +%s)
release: packages auditable
	cargo auditable build --release --locked
	packaging/judge $(TARGET)/release/cardbridge

AUDITABLE := 0.7.7
auditable: rust
	@[ -x "$$(command -v cargo-auditable)" ] || { echo "installing cargo-auditable $(AUDITABLE)"; cargo install cargo-auditable --locked --version $(AUDITABLE); }

# Builds the last commit twice, in two folders, and compares the two programs. `CARGO_PROFILE_RELEASE_LTO=off make reproducible` is faster.
reproducible: packages auditable
	rm -rf target/reproducible
	for folder in one another/place; do \
	  mkdir -p target/reproducible/$$folder && git archive HEAD | tar --extract --directory target/reproducible/$$folder && \
	  CARGO_TARGET_DIR=target $(MAKE) --no-print-directory -C target/reproducible/$$folder release || exit 1; \
	done
	cd target/reproducible && sha256sum one/target/release/cardbridge another/place/target/release/cardbridge && \
	cmp one/target/release/cardbridge another/place/target/release/cardbridge && echo "the two are one"

# The Debian package, with manual pages and completions made from the command line's own definition: target/debian/*.deb.
CARGO_DEB := 3.8.0
deb: PACKAGES += dpkg-dev lintian
deb: release
	@[ "$$(cargo deb --version 2>/dev/null)" = "cargo-deb $(CARGO_DEB)" ] || { echo "installing cargo-deb $(CARGO_DEB)"; cargo install cargo-deb --locked --version $(CARGO_DEB); }
	rm -rf target/manual
	cargo run --quiet --example manual -- target/manual
	cargo deb --locked --quiet --no-build $(DEB_OPTIONS)
	lintian --fail-on error,warning target/debian/cardbridge_*.deb

# Installs the package in a Debian 12 of its own, whose systemd runs the station there against the simulator, removes and purges it. The
# Debian is fetched once, into target/deb.
test-deb: PACKAGES += debootstrap systemd-container
test-deb: deb
	cargo build --quiet -p virtual-reader
	$(SUDO) tests/debian/run target/debian/cardbridge_*.deb target/debug/libvirtual_reader.so target/deb

# Debian's own Rust is too old, and says so less clearly.
rust:
	@have=$$(rustc --version 2>/dev/null | cut -d' ' -f2); \
	if [ -z "$$have" ]; then echo "there is no Rust here; install $(RUST) or newer with rustup (https://rustup.rs)"; exit 1; fi; \
	if [ "$$(printf '%s\n%s\n' $(RUST) "$$have" | sort -V | head -n 1)" != "$(RUST)" ]; then \
	  echo "this is Rust $$have, and cardbridge needs $(RUST) or newer; install it with rustup (https://rustup.rs)"; exit 1; \
	fi

packages: rust
	@missing=; for package in $(PACKAGES); do dpkg -s "$$package" >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  echo "installing the Debian packages that are missing:$$missing"; \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $$missing; \
	fi
