# Everything that a person or a machine does with this project, by name.

CARGO ?= cargo

.PHONY: help deps demo build test test-peer lint fmt doc clean
.PHONY: help deps demo build test pictures lint fmt doc clean

help:            ## this list
	@sed -n 's/^\([a-z-]*\): *[a-z -]*## /\1	/p' $(MAKEFILE_LIST) | expand -t 16

deps:            ## install what building needs and is missing (Debian, Ubuntu)
	@sh scripts/deps.sh

build: deps      ## the release binary: target/release/itlscope
	$(CARGO) build --release --locked

demo: build      ## build, then the main job on a real capture: TVS was regenerated, is ITL deletion needed?
	target/release/itlscope triage captures/tvs-regenerated/capture.pcap \
		-r captures/references/itl-old.tlv || [ $$? -eq 1 ]

test: deps       ## the whole test suite
	$(CARGO) test --locked

test-peer: build ## what tshark says otherwise about captures/, and about PEER=FOLDER
	scripts/test-peer $(PEER)
pictures: build  ## the pictures of docs/pictures, taken of the real program
	$(CARGO) run --release --locked --example storm -- --phones 3000 --rtp 0 --seconds 2700 -o target/storm.pcap
	$(CARGO) run --release --locked --example pictures -- target/release/itlscope target/storm.pcap docs/pictures

lint:            ## formatting and clippy, warnings as errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --all-targets --no-default-features -- -D warnings

fmt:             ## format the code
	$(CARGO) fmt --all

doc:             ## the documentation of the library
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

clean:           ## remove what was built
	$(CARGO) clean
