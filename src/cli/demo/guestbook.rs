//! The guestbook server itself: this program under another name, so that the demo needs nothing installed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use clap::Parser;

use crate::cli::screen::say;

/// What it is called in the demo's base image.
pub const PROGRAM: &str = "guestbook";

/// Entries kept; a demo's visitors are few.
const ENTRIES_MAX: usize = 1_000;

/// Serve a guestbook
#[derive(Debug, Parser)]
#[command(name = PROGRAM)]
struct Args {
    #[arg(long, default_value = "0.0.0.0")]
    host: std::net::IpAddr,
    #[arg(long, default_value_t = 8000)]
    port: u16,
    #[arg(long, default_value = "pages")]
    pages: PathBuf,
}

#[derive(Clone)]
struct Book {
    page: Arc<String>,
    entries: Arc<Mutex<Vec<String>>>,
}

/// Runs the guestbook, when this process was started under its name.
pub fn main_if_asked() -> Option<ExitCode> {
    let name = std::env::args_os().next()?;
    if PathBuf::from(name).file_name()? != PROGRAM {
        return None;
    }
    let ended = serve(Args::parse());
    Some(match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{PROGRAM}: {error:#}"));
            ExitCode::FAILURE
        }
    })
}

fn serve(args: Args) -> anyhow::Result<()> {
    let page = std::fs::read_to_string(args.pages.join("index.html"))?;
    let book = Book { page: Arc::new(page), entries: Arc::default() };
    let routes = Router::new()
        .route("/", get(|State(book): State<Book>| async move { Html(book.page.to_string()) }))
        .route("/healthz", get(|| async { Json(serde_json::json!({"status": "ok"})) }))
        .route("/entries", get(list).post(sign))
        .with_state(book);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(SocketAddr::new(args.host, args.port)).await?;
        say(&format!("{PROGRAM} listens on {}", listener.local_addr()?));
        Ok(axum::serve(listener, routes).await?)
    })
}

async fn list(State(book): State<Book>) -> Json<Vec<String>> {
    Json(book.entries.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

async fn sign(State(book): State<Book>, entry: String) -> StatusCode {
    let mut entries = book.entries.lock().unwrap_or_else(PoisonError::into_inner);
    if entries.len() >= ENTRIES_MAX {
        return StatusCode::INSUFFICIENT_STORAGE;
    }
    entries.push(entry);
    StatusCode::CREATED
}
