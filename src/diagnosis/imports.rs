//! Whether anything in the repository uses a Python distribution: imports first, then any mention in sources and settings.

use super::Case;

/// Distributions whose modules go by another name. Source: the `top_level.txt` of the wheels on PyPI.
const MODULES: &[(&str, &[&str])] = &[
    ("beautifulsoup4", &["bs4"]),
    ("faiss-cpu", &["faiss"]),
    ("opencv-python", &["cv2"]),
    ("opencv-python-headless", &["cv2"]),
    ("pillow", &["PIL"]),
    ("protobuf", &["google.protobuf"]),
    ("psycopg2-binary", &["psycopg2"]),
    ("pyarrow", &["pyarrow"]),
    ("pycryptodome", &["Crypto"]),
    ("pyjwt", &["jwt"]),
    ("python-dateutil", &["dateutil"]),
    ("python-dotenv", &["dotenv"]),
    ("python-ldap", &["ldap"]),
    ("pyyaml", &["yaml"]),
    ("scikit-image", &["skimage"]),
    ("scikit-learn", &["sklearn"]),
    ("sentence-transformers", &["sentence_transformers"]),
    ("tensorflow-cpu", &["tensorflow"]),
    ("grpcio", &["grpc"]),
];

/// The name as PyPI compares it.
pub fn normal(name: &str) -> String {
    let mut out = String::new();
    for each in name.chars() {
        let each = if matches!(each, '_' | '.') { '-' } else { each.to_ascii_lowercase() };
        if !(each == '-' && out.ends_with('-')) {
            out.push(each);
        }
    }
    out
}

/// The name at the start of a requirement line; `None` for options, comments, addresses and blank lines.
pub fn named_in(line: &str) -> Option<String> {
    let line = line.trim();
    let name: String =
        line.chars().take_while(|each| each.is_ascii_alphanumeric() || matches!(each, '-' | '_' | '.')).collect();
    let rest = line[name.len()..].trim_start();
    let is_requirement = rest.is_empty() || rest.starts_with(['=', '<', '>', '~', '!', '[', ';', '#', '@', ' ']);
    (!name.is_empty() && name.starts_with(|first: char| first.is_ascii_alphanumeric()) && is_requirement)
        .then(|| normal(&name))
}

/// Whether no source file imports `distribution` and no source or settings file mentions it.
///
/// Drivers and servers are often named in an address or a command only, so any mention counts as use; requirement files,
/// locks and prose do not.
pub fn is_unused(case: &Case<'_>, distribution: &str) -> bool {
    let name = normal(distribution);
    let modules: Vec<String> = match MODULES.iter().find(|(known, _)| *known == name) {
        Some((_, modules)) => modules.iter().map(|module| (*module).to_owned()).collect(),
        None => vec![name.replace('-', "_"), name.clone()],
    };
    let mut sources = 0;
    for path in case.workspace.paths() {
        let file = path.rsplit('/').next().unwrap_or(path);
        let is_source = file.ends_with(".py") || file.ends_with(".ipynb") || file.ends_with(".pyx");
        let settles =
            matches!(file, "Procfile" | "Makefile" | "alembic.ini" | "setup.cfg" | "setup.py" | "pyproject.toml")
                || file.ends_with(".sh")
                || file.ends_with(".cfg")
                || file.ends_with(".ini")
                || file.ends_with(".html")
                || (file.ends_with(".toml") && file != "poetry.toml")
                || path == case.dockerfile_path;
        if !is_source && !settles {
            continue;
        }
        sources += usize::from(is_source);
        let Some(text) = case.workspace.text(path) else { return false };
        if modules.iter().chain([&name]).any(|word| mentions(text, word)) {
            return false;
        }
    }
    sources > 0
}

/// Whether `word` stands in `text` by itself.
fn mentions(text: &str, word: &str) -> bool {
    let inner = |each: char| each.is_alphanumeric() || each == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(inner) && !after.is_some_and(inner)
    })
}
