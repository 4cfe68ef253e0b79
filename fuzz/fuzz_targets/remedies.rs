//! Edits of any lines of any file: no line they do not name is touched, and none fits twice.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, u8, &str, &str)| {
    let (verb, first, count, text, new) = input;
    domain_runner_fuzz::lines(text, verb, first, count, new);
});
