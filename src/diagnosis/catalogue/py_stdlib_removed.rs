//! `py-stdlib-removed`: the service imports a module that newer Pythons no longer have.

use crate::diagnosis::Case;
use crate::diagnosis::python::version::Minor;
use crate::diagnosis::python::{self, move_base, pins, reached};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-stdlib-removed",
    what: "The service imports a module that this Python no longer has",
    why: "Python 3.12 and 3.13 dropped modules of the standard library (asyncore, imp, cgi, imghdr, telnetlib and others). Code that \
          imports one of them ends at its start when the base image moves on.",
    advice: "Base the image on the last Python that has the module, or replace the module: PEP 594 names a successor of each.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    foresee,
    remedies,
    examples: &[
        Example {
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.13-slim\nWORKDIR /app\nCOPY upload.py forms.py ./\nCMD [\"python\", \"upload.py\"]\n",
                ),
                ("upload.py", "import forms\n\nforms.serve()\n"),
                ("forms.py", "import cgi\nimport http.server\n"),
            ],
            subject: "cgi",
            remedy: Some((
                "move-python",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY upload.py forms.py ./\nCMD [\"python\", \"upload.py\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            files: &[
                ("Dockerfile", "FROM python:3.12\nWORKDIR /srv\nCOPY . .\nCMD exec python -m relay\n"),
                ("relay/__init__.py", ""),
                ("relay/__main__.py", "import asyncore\nimport os\n"),
            ],
            subject: "asyncore",
            remedy: Some((
                "move-python",
                &[("Dockerfile", "FROM python:3.11\nWORKDIR /srv\nCOPY . .\nCMD exec python -m relay\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

/// Module, and the minor that dropped it (PEP 594 and the release notes of 3.12 and 3.13). distutils is left out: setuptools, which
/// many a package brings, stands in for it.
const REMOVED: &[(&str, u64)] = &[
    ("asynchat", 12),
    ("asyncore", 12),
    ("imp", 12),
    ("smtpd", 12),
    ("aifc", 13),
    ("audioop", 13),
    ("cgi", 13),
    ("cgitb", 13),
    ("chunk", 13),
    ("crypt", 13),
    ("imghdr", 13),
    ("lib2to3", 13),
    ("mailcap", 13),
    ("nis", 13),
    ("nntplib", 13),
    ("ossaudiodev", 13),
    ("pipes", 13),
    ("sndhdr", 13),
    ("spwd", 13),
    ("sunau", 13),
    ("telnetlib", 13),
    ("uu", 13),
    ("xdrlib", 13),
];

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let Some((_, loaded)) = reached::reached(case) else { return vec![] };
    let last = case.dockerfile.instructions().len().saturating_sub(1);
    let Some(Minor(3, minor)) = python::base_of(case, last).and_then(|base| base.minor) else { return vec![] };
    let entries = python::all_entries(case);
    // Back-ports are called after what they bring: `legacy-cgi`, `standard-telnetlib`, `audioop-lts`.
    let back_ported = |module: &str| {
        case.dockerfile.text().contains(module)
            || entries.iter().any(|entry| entry.text.to_ascii_lowercase().contains(module))
    };
    let gone = loaded.iter().flat_map(|source| source.imports.iter().map(move |import| (source, import))).find_map(
        |(source, import)| {
            let top = import.module.split('.').next().unwrap_or_default();
            let (module, _) = REMOVED.iter().find(|(module, since)| *module == top && minor >= *since)?;
            (!back_ported(module) && !python::is_own(case, module)).then_some((source, import, *module))
        },
    );
    let hit = gone.map(|(source, import, module)| {
        let why = format!("`{}` imports `{module}`, which Python 3.{minor} no longer has", source.path);
        Hit::in_file(&source.path, import.line, module, why).confidence(0.95)
    });
    hit.into_iter().collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some((_, since)) = REMOVED.iter().find(|(module, _)| *module == hit.subject) else {
        return Prescription::none();
    };
    let (to, last) = (Minor(3, since - 1), case.dockerfile.instructions().len().saturating_sub(1));
    let edits = move_base(case, last, to).filter(|_| !pins::blocks(case, to));
    Prescription::of(edits.map(|edits| Remedy {
        id: "move-python".into(),
        title: format!("Base the image on Python {to}"),
        why: format!("it is the last that has `{}`, which the service imports", hit.subject),
        applicability: Applicability::Rehearse,
        edits,
    }))
}
