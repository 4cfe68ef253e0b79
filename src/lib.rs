//! domain-runner: brings a Dockerised service whose deploy on Render fails back to healthy.

pub mod knowledge;
pub mod observation;
pub mod remedy;
pub mod service;
pub mod workspace;

pub mod world;

pub mod builder;
