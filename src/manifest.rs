//! Manifests: what a project says it needs, read losslessly and edited line by line.

pub mod package_json;
pub mod requirements;
