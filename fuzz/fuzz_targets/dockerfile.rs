//! A Dockerfile prints the bytes it was read from, and each of its edits does what it names and no more.
#![no_main]

use domain_runner::dockerfile::{Dockerfile, edit};
use domain_runner::workspace::Workspace;
use domain_runner_fuzz::check;
use libfuzzer_sys::fuzz_target;

/// Instructions of one file that are edited; more of them find nothing new.
const INSTRUCTIONS_MAX: usize = 6;

fuzz_target!(|text: &str| {
    let dockerfile = Dockerfile::parse(text);
    assert_eq!(dockerfile.text(), text);
    let lines = text.split('\n').count();
    for instruction in dockerfile.instructions() {
        assert!(instruction.first_line >= 1 && instruction.first_line <= instruction.last_line);
        assert!(instruction.last_line <= lines);
        let _ = (instruction.exec(), instruction.words(), instruction.copy_paths(), instruction.pairs());
    }
    let workspace = Workspace::of(&[("Dockerfile", text)]);
    let mut edits = Vec::new();
    for stage in 0..dockerfile.stages().len().min(3) {
        edits.push(edit::set_image(&workspace, "Dockerfile", &dockerfile, stage, "debian:bookworm"));
    }
    for (index, instruction) in dockerfile.instructions().iter().enumerate().take(INSTRUCTIONS_MAX) {
        let here = (&workspace, "Dockerfile", &dockerfile);
        let _ = (dockerfile.env_at(index), dockerfile.workdir_at(index), dockerfile.user_at(index));
        let _ = dockerfile.expand(index, &instruction.args, &Default::default());
        edits.push(edit::insert_before_instruction(here.0, here.1, here.2, index, &["ENV A=b"]));
        edits.push(edit::insert_after_instruction(here.0, here.1, here.2, index, &["RUN c", "USER d"]));
        edits.push(edit::delete_instruction(here.0, here.1, here.2, index));
        edits.push(edit::set_command(here.0, here.1, here.2, index, "CMD [\"sh\", \"-c\", \"exec a\"]"));
        edits.push(edit::add_apt_packages(here.0, here.1, here.2, index, &["gcc"]));
        if let Some(word) = instruction.args.split_whitespace().next() {
            edits.push(edit::replace_in_instruction(here.0, here.1, here.2, index, word, "other"));
        }
    }
    edits.iter().flatten().for_each(|edit| check(&workspace, edit));
});
