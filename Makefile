# Everything that a person or a machine does with this project, by name.

CARGO ?= cargo

.PHONY: help deps demo build test soundness mutants test-peer pictures lint fmt doc bench bench-hostile bench-parts fuzz deny clean

help:            ## this list
	@sed -n 's/^\([a-z-]*\): *[a-z -]*## /\1	/p' $(MAKEFILE_LIST) | expand -t 16

deps:            ## install what building needs and is missing (Debian, Ubuntu)
	@sh scripts/deps.sh

build: deps      ## the release binary: target/release/itlscope
	$(CARGO) build --release --locked

demo: build      ## build, then the main job on a real capture: TVS was regenerated, is ITL deletion needed?
	target/release/itlscope triage captures/tvs-regenerated/capture.pcap \
		-r captures/references/itl-old.tlv || [ $$? -eq 1 ]

test:            ## the whole test suite, with real servers where network namespaces may be made
	@sh scripts/deps.sh test
	$(CARGO) test --locked

N ?= 20000
soundness:       ## what is said of N worlds drawn at random (N=20000), held against what is true in them; under an hour
	WORLDS=$(N) WORLDS_SHRINK=99 $(CARGO) test --release --locked --test worlds worlds_hold -- --include-ignored --nocapture

SHARD ?= 0/8
SAMPLE ?= 0/20
mutants:         ## rules broken one by one, and whether a test notices: SHARD=0/8 of all rules, SAMPLE=0/20 of the rest; installs cargo-mutants
	@sh scripts/mutants.sh $(SHARD) $(SAMPLE)

test-peer: build ## what tshark says otherwise about captures/, and about PEER=FOLDER
	scripts/test-peer $(PEER)

pictures: build  ## the pictures of docs/pictures, taken of the real program
	$(CARGO) run --locked --example pictures -- target/release/itlscope docs/pictures

lint:            ## formatting and clippy, warnings as errors; that the fuzz targets fit the library
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --all-targets --no-default-features -- -D warnings
	@# Checking links nothing: the fuzzer itself, which is C++, need not be built for it.
	CUSTOM_LIBFUZZER_PATH=/libfuzzer.a $(CARGO) check --locked --manifest-path fuzz/Cargo.toml --bins --target-dir target/fuzz

fmt:             ## format the code
	$(CARGO) fmt --all

doc:             ## the documentation of the library
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

bench: build     ## speed and memory beside cat, tcpdump and tshark, as a table and target/bench.json; ten minutes
	$(CARGO) build --release --locked --example storm
	@sh scripts/deps.sh bench
	python3 scripts/bench.py

bench-hostile: build ## memory and linearity under attack
	$(CARGO) build --release --locked --example storm
	python3 scripts/bench.py --hostile

bench-parts:     ## the hot pieces one by one (criterion)
	$(CARGO) bench --locked --bench parts

T ?= 60
fuzz: deps       ## every fuzz target for T seconds (T=60); installs cargo-fuzz where it is missing
	@sh scripts/fuzz.sh $(T)

deny: deps       ## licences, sources and duplicates of all dependencies; installs cargo-deny where it is missing
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install --locked --version '^0.20' cargo-deny
	$(CARGO) deny --locked check licenses bans sources

clean:           ## remove what was built
	$(CARGO) clean
