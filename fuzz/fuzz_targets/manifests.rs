//! requirements.txt and package.json of any content are read, and their edits do what they name and no more.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| domain_runner_fuzz::manifests(text));
