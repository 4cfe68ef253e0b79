//! A registry that serves what a test puts in: Simple API, npm and sparse index below one address.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain_runner::index::Sources;

/// One request as it arrived.
#[derive(Clone)]
pub(crate) struct Hit {
    pub(crate) path: String,
    pub(crate) is_range: bool,
    pub(crate) is_authorised: bool,
}

#[derive(Default)]
struct Shop {
    files: HashMap<String, (String, Vec<u8>)>,
    /// Failures still to be given, and which.
    failing: HashMap<String, (u32, u16)>,
    hits: Vec<Hit>,
}

pub(crate) struct Fake {
    shop: Arc<Mutex<Shop>>,
    base: String,
}

/// A release to serve.
pub(crate) struct Rel {
    version: String,
    needs: Vec<String>,
    python: Option<String>,
    wheel: Option<String>,
    has_source: bool,
    yanked: bool,
    is_inside: bool,
}

impl Rel {
    /// A pure wheel without dependencies.
    pub(crate) fn new(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            needs: Vec::new(),
            python: None,
            wheel: None,
            has_source: false,
            yanked: false,
            is_inside: false,
        }
    }

    pub(crate) fn needs(mut self, lines: &[&str]) -> Self {
        self.needs = lines.iter().map(|&line| line.to_owned()).collect();
        self
    }

    pub(crate) fn python(mut self, requires: &str) -> Self {
        self.python = Some(requires.to_owned());
        self
    }

    pub(crate) fn wheel(mut self, tag: &str) -> Self {
        self.wheel = Some(tag.to_owned());
        self
    }

    /// With source; and without a wheel, unless one was named.
    pub(crate) fn source(mut self) -> Self {
        self.has_source = true;
        self
    }

    pub(crate) fn yanked(mut self) -> Self {
        self.yanked = true;
        self
    }

    /// Metadata only in the wheel, not beside it.
    pub(crate) fn metadata_inside(mut self) -> Self {
        self.is_inside = true;
        self
    }

    fn files(&self, name: &str) -> Vec<String> {
        let name = name.replace('-', "_");
        let wheel = self.wheel.as_deref().or((!self.has_source).then_some("py3-none-any"));
        let wheel = wheel.map(|tag| format!("{name}-{}-{tag}.whl", self.version));
        let source = self.has_source.then(|| format!("{name}-{}.tar.gz", self.version));
        wheel.into_iter().chain(source).collect()
    }

    fn metadata(&self) -> String {
        let mut text = "Metadata-Version: 2.1\nName: x\n".to_owned();
        for line in &self.needs {
            writeln!(text, "Requires-Dist: {line}").unwrap();
        }
        text + "\nAbout x.\n"
    }
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let shop = Arc::new(Mutex::new(Shop::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(serve).with_state(Arc::clone(&shop));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { shop, base }
    }

    pub(crate) fn sources(&self) -> Sources {
        let url = |path: &str| format!("{}{path}", self.base).parse().unwrap();
        Sources { pypi: vec![url("/simple/")], npm: url("/npm/"), crates: url("/crates/"), ca_files: Vec::new() }
    }

    pub(crate) fn hits(&self) -> Vec<Hit> {
        self.shop.lock().unwrap().hits.clone()
    }

    pub(crate) fn put(&self, path: &str, content_type: &str, body: &[u8]) {
        self.shop.lock().unwrap().files.insert(path.to_owned(), (content_type.to_owned(), body.to_vec()));
    }

    /// Lets the next `times` requests for `path` fail.
    pub(crate) fn fail(&self, path: &str, times: u32, status: u16) {
        self.shop.lock().unwrap().failing.insert(path.to_owned(), (times, status));
    }

    pub(crate) fn package(&self, name: &str, rels: &[Rel]) {
        let mut files = Vec::new();
        for rel in rels {
            for file in rel.files(name) {
                files.push(serde_json::json!({
                    "filename": file,
                    "url": format!("../../files/{file}"),
                    "requires-python": rel.python,
                    "yanked": rel.yanked,
                    "core-metadata": !rel.is_inside && file.ends_with(".whl"),
                }));
                self.put_file(rel, &file);
            }
        }
        let page = serde_json::json!({"meta": {"api-version": "1.1"}, "name": name, "files": files}).to_string();
        self.put(&format!("/simple/{name}/"), "application/vnd.pypi.simple.v1+json", page.as_bytes());
    }

    pub(crate) fn html_package(&self, name: &str, rels: &[Rel]) {
        let mut page = "<!DOCTYPE html><html><body>\n".to_owned();
        for rel in rels {
            for file in rel.files(name) {
                let python = rel.python.as_deref().unwrap_or_default().replace('>', "&gt;").replace('<', "&lt;");
                let yanked = if rel.yanked { " data-yanked=\"\"" } else { "" };
                writeln!(
                    page,
                    "<a href=\"../../files/{file}#sha256=0\" data-requires-python=\"{python}\"{yanked}>{file}</a><br>"
                )
                .unwrap();
            }
        }
        self.put(&format!("/simple/{name}/"), "text/html; charset=utf-8", page.as_bytes());
    }

    fn put_file(&self, rel: &Rel, file: &str) {
        if !file.ends_with(".whl") {
            return;
        }
        if rel.is_inside {
            self.put(&format!("/files/{file}"), "application/octet-stream", &wheel(&rel.metadata()));
        } else {
            self.put(&format!("/files/{file}.metadata"), "text/plain", rel.metadata().as_bytes());
        }
    }
}

async fn serve(State(shop): State<Arc<Mutex<Shop>>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let range = text(header::RANGE);
    let mut shop = shop.lock().unwrap();
    shop.hits.push(Hit {
        path: path.clone(),
        is_range: range.is_some(),
        is_authorised: text(header::AUTHORIZATION).is_some_and(|value| value.starts_with("Basic ")),
    });
    if let Some((left, status)) = shop.failing.get_mut(&path).filter(|(left, _)| *left > 0) {
        *left -= 1;
        return StatusCode::from_u16(*status).unwrap().into_response();
    }
    let Some((content_type, body)) = shop.files.get(&path).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let content_type = [(header::CONTENT_TYPE, content_type)];
    let Some((first, last)) = range.as_deref().and_then(|range| span(range, body.len())) else {
        return (content_type, body).into_response();
    };
    let about = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{}", body.len()))];
    (StatusCode::PARTIAL_CONTENT, content_type, about, body[first..=last].to_vec()).into_response()
}

/// First and last byte of `bytes=-5`, `bytes=3-`, `bytes=3-7`.
fn span(range: &str, len: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    Some(match (first.parse::<usize>().ok(), last.parse::<usize>().ok()) {
        (None, Some(count)) => (len.saturating_sub(count), len - 1),
        (Some(first), last) => (first, last.unwrap_or(usize::MAX).min(len - 1)),
        (None, None) => return None,
    })
}

/// A zip archive with METADATA in front of more bytes than a first look at the end covers.
fn wheel(metadata: &str) -> Vec<u8> {
    let name = "x-1.dist-info/METADATA";
    let filler = vec![b'.'; 200_000];
    let mut zip = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in [(name, metadata.as_bytes()), ("x/data.bin", filler.as_slice())] {
        let (length, size) = (u16::try_from(name.len()).unwrap(), u32::try_from(content.len()).unwrap());
        let offset = u32::try_from(zip.len()).unwrap();
        let sizes = [size.to_le_bytes(), size.to_le_bytes()].concat();
        zip.extend([b"PK\x03\x04".as_slice(), &[0; 14], &sizes, &length.to_le_bytes(), &[0; 2]].concat());
        zip.extend([name.as_bytes(), content].concat());
        directory.extend([b"PK\x01\x02".as_slice(), &[0; 16], &sizes, &length.to_le_bytes(), &[0; 12]].concat());
        directory.extend([&offset.to_le_bytes(), name.as_bytes()].concat());
    }
    let start = u32::try_from(zip.len()).unwrap();
    zip.extend(&directory);
    zip.extend([b"PK\x05\x06".as_slice(), &[0; 4], &[2, 0, 2, 0]].concat());
    zip.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0; 2]);
    zip
}
