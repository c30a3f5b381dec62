#!/bin/sh
# Breaks the program in one place after the other, and tells where no test notices.
#
#     scripts/mutants.sh SHARD SAMPLE
#
# SHARD (k/n) of all mutants of what concludes: claims, their reconciling, the verdict. SAMPLE (k/n) of the rest: every n-th from
# the k-th on, the same in every run. What survives stands in target/mutants/*/mutants.out/missed.txt.
set -eu
cd "$(dirname "$0")/.."
shard=$1
sample=$2

cargo mutants --version >/dev/null 2>&1 || cargo install --locked cargo-mutants

export WORLDS="${WORLDS:-100}"
status=0
mkdir -p target/mutants/rules target/mutants/rest
cargo mutants --file 'src/claim/**' --file 'src/claim.rs' --file 'src/verdict/**' --file 'src/verdict.rs' \
    --shard "$shard" --sharding round-robin --output target/mutants/rules || status=$?
cargo mutants --exclude 'src/claim/**' --exclude 'src/claim.rs' --exclude 'src/verdict/**' --exclude 'src/verdict.rs' \
    --shard "$sample" --sharding round-robin --output target/mutants/rest || status=$?
exit "$status"
