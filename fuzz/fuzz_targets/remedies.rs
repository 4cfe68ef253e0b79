//! Edits of any lines of any file: no line they do not name is touched, and none fits twice.
#![no_main]

use domain_runner::remedy::{Edit, apply};
use domain_runner::workspace::Workspace;
use domain_runner_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, u8, &str, &str)| {
    let (verb, first, count, text, new) = input;
    let workspace = Workspace::of(&[("f", text)]);
    let lines = workspace.lines("f").len().max(1);
    let first = usize::from(first) % lines + 1;
    let last = (first + usize::from(count) % 4).min(lines);
    let new: Vec<&str> = new.lines().collect();
    let edit = match verb % 5 {
        0 => Edit::replace(&workspace, "f", first, last, &new),
        1 => Edit::insert_after(&workspace, "f", first, &new),
        2 => Edit::insert_before(&workspace, "f", first, &new),
        3 => Edit::delete(&workspace, "f", first, last),
        _ => Edit::append(&workspace, "f", &new),
    };
    let Some(edit) = edit else { return };
    // What is there already need not be written again.
    if apply(std::slice::from_ref(&edit), &workspace).is_ok() {
        check(&workspace, &edit);
    }
});
