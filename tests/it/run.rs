//! Runs: the program from its first event to its last, against a Render with scripted builds and real git remotes.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod deploying;
mod healing;
mod interruptions;
mod neighbours;
mod records;
mod refusals;
mod resuming;
mod scene;
mod terminal;
mod verifying;
