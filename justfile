# Short names for what is done every day. `just` lists them.

default:
    @just --list

# Simulate an organisation, ingest it, detect, print, serve.
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# Everything that is tested.
test *ARGS:
    cargo test --release {{ARGS}}

# What CI runs.
ci:
    .ci/run

# Format, then lint as CI does.
lint:
    cargo fmt
    cargo clippy --release --all-targets -- -D warnings
