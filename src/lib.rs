//! domain-runner: brings a Dockerised service whose deploy on Render fails back to healthy, without a human.
//!
//! The map. Arrows only point up this list: a room may import what stands above it (`tests/it/tidy.rs` holds the table).
//!
//! ```text
//! nouns, no effects
//!   service      the words Render uses: ids, deploys, statuses, reasons
//!   workspace    the files that may be edited; the diff of two workspaces
//!   remedy       edits as data; `apply` is the only place that carries them out
//!   knowledge    facts from package indexes, and the questions for them
//!   dockerfile   lossless Dockerfiles: same bytes out, symbolic edits
//!   manifest     lossless requirements.txt, package.json
//!   context      which files a build really sees after .dockerignore
//!   observation  what was seen at one moment; redaction of secrets
//! the flow, pure; one stage, one room
//!   diagnosis    log and files → findings with remedies; catalogue/ = one failure class a file
//!   narration    what a run tells while it goes on: typed events
//!   learning     the record of remedies, and how outcomes change it
//!   validation   judge a remedy; only here a `Cleared<Remedy>` is made
//!   phases       the SPARC phases as a state machine; progress
//!   choice       which remedy next
//!   attempts     what was tried in this run, and when to stop
//!   counsel      a failure no rule names, put before a model; what of its answer is believed
//!   release      a cleared remedy → steps and commit message
//! the outside, effects; one outside thing, one room
//!   world        clock, environment, processes
//!   memory       documents, sessions, journal, lock: the files a run leaves
//!   git          commits with git2, pushes with the user's git
//!   render       the client of Render's API
//!   probe        HTTP health checks
//!   index        package indexes and the resolver
//!   model        language models: eleven providers behind one interface
//!   storage      what `serve` keeps: SQLite or PostgreSQL, the same SQL
//!   builder      trial builds: Docker engine, Linux namespaces, plain processes
//!   sandbox      a Render small enough for a laptop
//! where the two meet
//!   operations   observe, diagnose, publish, wait: what a run does to the outside
//!   mission      one run's service, session, journal, limits; past runs; how it can end
//!   retreat      back to a deploy that worked
//!   course       where a run stands; watching a deploy; releasing a fix
//!   simple_loop  heal --simple, and the fall-back
//!   agents       monitor, analyzer, optimizer, fixer, validator; the conductor
//!   serve        the web service: models, runs and batches over HTTP
//! doors
//!   cli          one command a file
//! ```

pub mod context;
pub mod dockerfile;
pub mod knowledge;
pub mod manifest;
pub mod observation;
pub mod remedy;
pub mod service;
pub mod workspace;

pub mod attempts;
pub mod choice;
pub mod counsel;
pub mod diagnosis;
pub mod learning;
pub mod narration;
pub mod phases;
pub mod release;
pub mod validation;

pub mod builder;
pub mod git;
pub mod index;
pub mod memory;
#[cfg(feature = "model")]
pub mod model;
pub mod probe;
pub mod render;
pub mod sandbox;
#[cfg(feature = "serve")]
pub mod storage;
pub mod world;

pub mod agents;
pub mod course;
pub mod mission;
pub mod operations;
pub mod retreat;
#[cfg(feature = "serve")]
pub mod serve;
pub mod simple_loop;

pub mod cli;
