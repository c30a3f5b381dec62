#!/bin/sh
# Runs every fuzz target for so many seconds each: fuzz.sh SECONDS [TARGET...]
#
# Seeds come from the captures and the fixtures; what the fuzzer finds beside them is kept in fuzz/corpus. A finding stops the
# run, and its input stays in fuzz/artifacts.
set -eu
cd "$(dirname "$0")/.."

seconds=$1
shift
[ $# -gt 0 ] || set -- capture_file packet tftp tls http trust_list show_text console_log told engine

cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz

cargo run --quiet --release --locked --example fuzz_seeds -- fuzz/seeds captures/*/capture.pcap* tests/fixtures/wire/*.pcap

# A stable toolchain uses the sanitiser when it is told that it may.
export RUSTC_BOOTSTRAP=1

for target; do
	case $target in
	trust_list) seeds=tests/fixtures/trust ;;
	show_text) seeds=tests/fixtures/trust/text ;;
	console_log | told) seeds="tests/fixtures/words/cases tests/fixtures/words/seeds" ;;
	capture_file | engine) seeds="tests/fixtures/wire captures" ;;
	*) seeds=fuzz/seeds/$target ;;
	esac
	mkdir -p "fuzz/corpus/$target"
	echo "fuzz: $target, $seconds seconds"
	# shellcheck disable=SC2086 # several folders
	cargo fuzz run "$target" "fuzz/corpus/$target" $seeds -- \
		-max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1
done
