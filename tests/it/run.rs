//! Runs: the program from its first event to its last, against a Render with scripted builds and real git remotes.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

#[cfg(feature = "model")]
mod counsel;
mod deploying;
mod healing;
mod hostile;
mod interruptions;
mod neighbours;
mod own_command;
mod records;
mod refusals;
mod remembering;
mod resuming;
mod retreating;
mod scene;
mod sentinel;
mod states;
mod terminal;
mod traps;
mod trials;
mod verifying;
