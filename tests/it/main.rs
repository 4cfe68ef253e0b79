//! The program as a person runs it, and the house rules.

mod builder;
mod catalogue;
mod companions;
mod diagnosis;
mod dockerfile;
mod edits;
mod git;
mod healthy_services;
mod index;
#[cfg(feature = "model")]
mod model;
mod preflight;
mod render;
mod run;
mod sandbox;
mod serve;
mod tidy;
mod weighing;
