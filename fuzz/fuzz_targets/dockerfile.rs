//! A Dockerfile prints the bytes it was read from, and each of its edits does what it names and no more.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| domain_runner_fuzz::dockerfile(text));
