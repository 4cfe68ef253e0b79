//! Packages that are compiled when they are installed, in images that have no compiler.

use super::{Line, Plain, fit_of, plain};
use crate::diagnosis::python::version::{Fit, Minor};
use crate::diagnosis::{Case, node};
use crate::knowledge::Registry;
use crate::manifest::requirements;

/// A package that has to be compiled, where nothing can compile it.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// Normalised.
    pub name: String,
    /// The RUN.
    pub index: usize,
    pub minor: Minor,
    /// The requirement line, where the user's own pins it.
    pub pinned: Option<Line>,
    /// Who needs it, where no line of the user's names it.
    pub by: Option<String>,
    /// On another Python it comes ready.
    pub has_wheels_elsewhere: bool,
    /// There is a compiler; what is not there is the library that it is compiled against.
    pub lacks_library: bool,
}

/// What the names of a library's packages hold, of those that no compiler makes up for.
const LIBRARIES: &[(&str, &[&str])] =
    &[("mysqlclient", &["mysqlclient", "mariadb"]), ("psycopg2", &["libpq", "postgresql"]), ("python-ldap", &["ldap"])];

/// Packages of C, C++, Fortran or Rust that cannot be installed as plain Python: those of many others fall back to it.
/// From their build files, November 2026.
const NEEDS_COMPILER: &[&str] = &[
    "argon2-cffi-bindings",
    "asyncpg",
    "bcrypt",
    "cffi",
    "contourpy",
    "cryptography",
    "fiona",
    "gevent",
    "greenlet",
    "grpcio",
    "grpcio-tools",
    "h5py",
    "httptools",
    "kiwisolver",
    "lxml",
    "llvmlite",
    "matplotlib",
    "numba",
    "numpy",
    "opencv-python",
    "opencv-python-headless",
    "orjson",
    "pandas",
    "pillow",
    "psutil",
    "psycopg2-binary",
    "pyarrow",
    "pydantic-core",
    "pymssql",
    "pynacl",
    "pyzmq",
    "rasterio",
    "regex",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "shapely",
    "statsmodels",
    "tables",
    "tokenizers",
    "ujson",
    "uvloop",
];

/// Those of which no release ever had a wheel for Linux (PyPI, November 2026).
const SOURCE_ONLY: &[&str] = &["mysqlclient", "psycopg2", "pycairo", "pygraphviz", "python-ldap", "uwsgi"];

/// What may bring a compiler, or hides what is installed.
const MAY_BRING_COMPILER: &[&str] = &[
    "gcc",
    "g++",
    "build-essential",
    "build-base",
    "clang",
    "musl-dev",
    "-dev",
    "apt-get install $",
    "xargs",
    ".sh",
    "conda",
    "/install",
    "$(",
    "python3-",
    "py3-",
];

/// Every package that is compiled in an image without a compiler, in the order of the file.
pub fn compiled(case: &Case<'_>) -> Vec<Compiled> {
    let mut out: Vec<Compiled> = Vec::new();
    for install in plain(case) {
        let can_compile = may_compile(case, install.index);
        for found in of_install(case, &install) {
            let lacks_library = can_compile && lacks_library(case, &found);
            if (!can_compile || lacks_library) && !out.iter().any(|known| known.name == found.name) {
                out.push(Compiled { lacks_library, ..found });
            }
        }
    }
    out
}

/// Whether the steps name all that is installed, and the library that `found` is compiled against is not among it.
fn lacks_library(case: &Case<'_>, found: &Compiled) -> bool {
    const HIDES: &[&str] = &["$", "xargs", ".sh", "conda", "/install", "COPY --from"];
    let Some((_, stems)) = LIBRARIES.iter().find(|(name, _)| *name == found.name) else { return false };
    let base = crate::diagnosis::base::of(case, found.index);
    let bare = base.is_some_and(|base| {
        base.image.official() == Some("python") && ["slim", "alpine"].iter().any(|mark| base.image.tag.contains(mark))
    });
    let steps = node::history(case, found.index).into_iter().chain([found.index]);
    let each = |at: usize| &case.dockerfile.instructions()[at];
    let told = |at: usize| {
        let script = node::script_of(case, at);
        each(at).flag("from").is_some()
            || each(at).keyword == "RUN"
                && (stems.iter().any(|stem| script.replace(&found.name, "").contains(stem))
                    || HIDES.iter().any(|word| script.contains(word)))
    };
    bare && !steps.into_iter().any(told)
}

fn of_install(case: &Case<'_>, install: &Plain) -> Vec<Compiled> {
    let mut out = Vec::new();
    let bare = |name: String| Compiled {
        name,
        index: install.index,
        minor: install.minor,
        pinned: None,
        by: None,
        has_wheels_elsewhere: false,
        lacks_library: false,
    };
    let always = install.lines.iter().filter(|line| !line.is_constraint && line.requirement.marker.is_none());
    for line in always {
        let name = line.requirement.normal_name();
        let pin = line.requirement.pin();
        let known = pin.and_then(|pin| fit_of(case, install, line, pin));
        let is_source_only = SOURCE_ONLY.contains(&name.as_str());
        let must_be_built = match known {
            Some((Fit::Source, _)) => is_source_only || NEEDS_COMPILER.contains(&name.as_str()),
            Some((Fit::Wheel | Fit::No, _)) => false,
            None => is_source_only,
        };
        if must_be_built {
            let elsewhere = known.is_some_and(|(_, elsewhere)| elsewhere) && !install.musl;
            let pinned = pin.map(|_| line.clone());
            out.push(Compiled { pinned, has_wheels_elsewhere: elsewhere, ..bare(name) });
            continue;
        }
        let needs = pin.and_then(|pin| case.knowledge.dependencies(Registry::Pypi, &name, pin)).unwrap_or_default();
        for need in needs.iter().filter_map(|need| requirements::requirement(need)) {
            let needed = need.normal_name();
            let own = install.lines.iter().any(|line| line.requirement.normal_name() == needed);
            if need.marker.is_none() && SOURCE_ONLY.contains(&needed.as_str()) && !own {
                out.push(Compiled { by: Some(name.clone()), ..bare(needed) });
            }
        }
    }
    out
}

/// Whether something may be compiled at instruction `index`: the image is not one of those without a compiler, or an earlier
/// step, or this one, may have installed one.
fn may_compile(case: &Case<'_>, index: usize) -> bool {
    let Some(base) = crate::diagnosis::base::of(case, index) else { return true };
    let bare = ["slim", "alpine"].iter().any(|mark| base.image.tag.contains(mark));
    let steps = node::history(case, index).into_iter().chain([index]);
    let brings = |at: usize| {
        let each = &case.dockerfile.instructions()[at];
        match each.keyword.as_str() {
            "RUN" => {
                let script = node::script_of(case, at);
                MAY_BRING_COMPILER.iter().any(|word| script.contains(word))
            }
            "COPY" => {
                each.flag("from").is_some()
                    && each.copy_paths().is_some_and(|(_, to)| to.starts_with("/usr") || to == "/")
            }
            "SHELL" | "ONBUILD" => true,
            _ => false,
        }
    };
    !bare || base.image.official() != Some("python") || steps.into_iter().any(brings)
}
