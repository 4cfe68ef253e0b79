//! The web service: the real binary over real HTTP, with models that answer by script.

#![cfg(feature = "serve")]
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod answers;
mod chat;
mod doors;
mod ending;
mod pages;
mod postgres;
mod rig;
mod upstream;
