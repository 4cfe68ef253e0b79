//! `nat-header-missing`: a C header that a package is compiled with is not there.

use crate::diagnosis::Case;
use crate::diagnosis::native::{compiler, for_header, for_package, install_remedy};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::{installs, outlook};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::manifest::requirements::normalise;

pub const RULE: Rule = Rule {
    id: "nat-header-missing",
    what: "A header file that a package is compiled with is missing",
    why: "A package is built from source against a system library. The library's headers are in a development package of their own, which \
          the image does not have.",
    advice: "Install the -dev package that brings the header, before the step that compiles.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        ".h: no such file or directory",
        ".hpp: no such file or directory",
        ".h' file not found",
        "fatal error: eigen/",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#11 [wheels 5/5] RUN pip wheel --wheel-dir /wheels -r requirements.txt\n#11 3.6       Modules/common.h:15:10: fatal error: lber.h: No such file or directory\n#11 3.6          15 | #include <lber.h>\n#11 3.6       compilation terminated.\n#11 ERROR: executor failed running [/bin/sh -c pip wheel --wheel-dir /wheels -r requirements.txt]: exit code: 1",
            files: &[(
                "Dockerfile",
                "FROM python:3.12-slim AS wheels\nRUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev \\\n && rm -rf /var/lib/apt/lists/*\nWORKDIR /wheels\nRUN pip wheel --wheel-dir /wheels -r requirements.txt\nCMD [\"python\"]\n",
            )],
            subject: "lber.h",
            remedy: Some((
                "install-packages",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim AS wheels\nRUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev libldap2-dev libsasl2-dev \\\n && rm -rf /var/lib/apt/lists/*\nWORKDIR /wheels\nRUN pip wheel --wheel-dir /wheels -r requirements.txt\nCMD [\"python\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Step 4/5 : RUN pip install cryptography\n  build/temp.linux-x86_64-3.7/_openssl.c:546:10: fatal error: openssl/opensslv.h: No such file or directory\nThe command '/bin/sh -c pip install cryptography' returned a non-zero code: 1",
            files: &[(
                "Dockerfile",
                "FROM python:3.7-alpine\nRUN apk add --no-cache gcc musl-dev\nRUN pip install cryptography\n",
            )],
            subject: "openssl/opensslv.h",
            remedy: Some((
                "install-packages",
                &[(
                    "Dockerfile",
                    "FROM python:3.7-alpine\nRUN apk add --no-cache openssl-dev pkgconf gcc musl-dev\nRUN pip install cryptography\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static HEADER: Phrases = Phrases::new(&[
    r"(?:fatal )?error: '?([\w./+\-]+\.h(?:pp|xx)?|Eigen/\w+)'?(?:: No such file or directory| file not found)",
]);
static LOOSE: Phrases = Phrases::new(&[r"\b([\w./+\-]+\.h): No such file or directory"]);
static PACKAGE: Phrases = Phrases::new(&[r"Failed building wheel for ([\w.\-]+)|Failed to build ([\w.\-]+)$"]);
static CGO: Phrases = Phrases::new(&[r"^#\s+[\w.\-]+\.\w+/|cgo"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = HEADER.last(case, lines).or_else(|| LOOSE.last(case, lines))?;
    let header = found.subject();
    // Headers that have a class of their own, and those that a newer Python dropped.
    let elsewhere =
        ["libpq-fe.h", "mysql.h", "geos_c.h", "proj_api.h", "gdal.h", "cpl_port.h", "longintrepr.h", "pixman.h"];
    let own = elsewhere.iter().any(|name| header.ends_with(name))
        || header.contains("libxml/")
        || header.contains("libxslt/");
    if own || CGO.above(case, found.line, 4).is_some() {
        return None;
    }
    let known = for_header(header).is_some();
    let why = format!("the header `{header}` is not installed, and a package is compiled with it");
    let hit = Hit::at(found.line, header, why);
    Some(if known { hit.confidence(0.95) } else { hit.confidence(0.85) })
}

/// The first header that a package wants which is compiled without its library.
const WANTED: &[(&str, &str)] = &[("python-ldap", "lber.h")];

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let lacking = outlook::compiled(case).into_iter().filter(|found| found.lacks_library);
    let hits = lacking.filter_map(|found| {
        let (name, header) = WANTED.iter().find(|(name, _)| *name == found.name)?;
        Some(case.foreseen(
            found.index,
            *header,
            format!("`{name}` is compiled, and the header `{header}` is not installed"),
        ))
    });
    hits.collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let index = case.step(hit).or_else(|| installs(case).last().map(|install| install.index));
    let Some(index) = index else { return Prescription::none() };
    let below = hit.line.and_then(|line| PACKAGE.below(case, line, 60));
    let package = below.and_then(|found| for_package(&normalise(found.subject())));
    let Some(need) = for_header(&hit.subject).or(package) else { return Prescription::none() };
    let mut needs = vec![need];
    // Python's own headers come with the official images; the compiler's header means that all of libc's are missing.
    if hit.subject == "Python.h" {
        needs.push(compiler());
    }
    let why = format!("it brings `{}`", hit.subject);
    Prescription::of(install_remedy(case, index, &needs, &why))
}
