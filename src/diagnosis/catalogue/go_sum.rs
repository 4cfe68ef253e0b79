//! `go-sum`: go.sum or vendor is out of step.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, node};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "go-sum",
    what: "go.sum or vendor is out of step",
    why: "go.mod, go.sum, vendor/ and the imports must fit together; one of them was changed alone or not \
          copied.",
    advice: "Run `go mod tidy` and commit go.mod and go.sum; copy go.sum beside go.mod in the Dockerfile.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "missing go.sum entry",
        "updates to go.mod needed",
        "inconsistent vendoring",
        "no required module provides package",
        "to add it:",
        "updates to go.sum needed",
        "-mod=readonly",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "main.go:8:2: no required module provides package github.com/gorilla/mux; to add it:\n\tgo get github.com/gorilla/mux",
            subject: "github.com/gorilla/mux",
            ..Example::BLANK
        },
        Example {
            log: "main.go:4:2: missing go.sum entry for module providing package github.com/google/uuid; to add:\n\tgo mod download github.com/google/uuid",
            subject: "github.com/google/uuid",
            ..Example::BLANK
        },
        // The repository has the sums, and they were not copied.
        Example {
            log: "#11 [build 5/5] RUN CGO_ENABLED=0 go build -o /out/api .\n#11 0.41 main.go:9:2: missing go.sum entry for module providing package github.com/go-chi/chi/v5; to add:\n#11 0.41 \tgo mod download github.com/go-chi/chi/v5\n#11 ERROR: process \"/bin/sh -c CGO_ENABLED=0 go build -o /out/api .\" did not complete successfully: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY go.mod ./\nCOPY *.go ./\nRUN CGO_ENABLED=0 go build -o /out/api .\n",
                ),
                ("go.mod", "module example.org/api\n\ngo 1.22\n\nrequire github.com/go-chi/chi/v5 v5.0.12\n"),
                ("go.sum", "github.com/go-chi/chi/v5 v5.0.12 h1:x=\n"),
                ("main.go", "package main\n\nfunc main() {}\n"),
            ],
            subject: "github.com/go-chi/chi/v5",
            remedy: Some((
                "copy-sums",
                &[(
                    "Dockerfile",
                    "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY go.mod go.sum ./\nCOPY *.go ./\nRUN CGO_ENABLED=0 go build -o /out/api .\n",
                )],
            )),
            ..Example::BLANK
        },
        // The sums are behind: go adds the missing ones, and checks them against the public log of sums.
        Example {
            log: "#11 [build 4/4] RUN go build -o /out/api ./cmd/api\n#11 0.41 go: github.com/rs/zerolog@v1.32.0: missing go.sum entry for go.mod file; to add it:\n#11 0.41 \tgo mod download github.com/rs/zerolog\n#11 ERROR: process \"/bin/sh -c go build -o /out/api ./cmd/api\" did not complete successfully: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/api ./cmd/api\n",
                ),
                ("go.mod", "module example.org/api\n\ngo 1.22\n\nrequire github.com/rs/zerolog v1.32.0\n"),
                ("go.sum", "github.com/go-chi/chi/v5 v5.0.12 h1:x=\n"),
            ],
            subject: "github.com/rs/zerolog@v1.32.0",
            remedy: Some((
                "complete-sums",
                &[(
                    "Dockerfile",
                    "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -mod=mod -o /out/api ./cmd/api\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#11 [build 4/4] RUN go build ./...\n#11 0.31 go: inconsistent vendoring in /src:\n#11 0.31 \tgithub.com/rs/zerolog@v1.32.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt\n#11 0.31 \tTo ignore the vendor directory, use -mod=readonly or -mod=mod.\n#11 ERROR: process \"/bin/sh -c go build ./...\" did not complete successfully: exit code: 1",
            files: &[
                ("Dockerfile", "FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go build ./...\n"),
                ("go.mod", "module example.org/api\n\ngo 1.22\n\nrequire github.com/rs/zerolog v1.32.0\n"),
                ("go.sum", "github.com/rs/zerolog v1.32.0 h1:x=\n"),
                ("vendor/modules.txt", "# github.com/rs/zerolog v1.31.0\n"),
            ],
            subject: "inconsistent vendoring",
            remedy: Some((
                "ignore-vendor",
                &[("Dockerfile", "FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go build -mod=readonly ./...\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"missing go\.sum entry for module providing package (\S+?)[;:]?(?:\s|$)",
    r"(\S+@\S+?): missing go\.sum entry",
    r"missing go\.sum entry for (\S+)",
    r"no required module provides package (\S+?)[;:](?:\s|$)",
    r"(inconsistent vendoring)",
    r"updates to (go\.(?:mod|sum)) needed",
    r"missing (go\.sum) entry",
    r"cannot query module due to (-mod=\w+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("go.sum, vendor or go.mod do not fit the imports ({subject})");
    Some(Hit::at(found.line, subject, why))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    if hit.subject == "inconsistent vendoring" {
        return Prescription::none().with(
            "ignore-vendor",
            "Build with the modules of go.mod instead of vendor/",
            "go.mod and go.sum say which versions are meant; vendor/ is an older copy of them",
            Applicability::Rehearse,
            with_mode(case, index, "readonly"),
        );
    }
    let copied = node::copied(case, index);
    let arrives = copied.iter().any(|(_, path)| path == "go.sum");
    let by_manifest = copied.iter().find(|(_, path)| path == "go.mod").map(|(copy, _)| *copy);
    let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
    let copy = by_manifest
        .filter(|_| !arrives && case.context.holds("go.sum"))
        .and_then(|copy| edit::add_copy_source(workspace, path, dockerfile, copy, "go.sum"));
    Prescription::none()
        .with(
            "copy-sums",
            "Copy `go.sum` beside `go.mod`",
            "the repository has the sums, but they were not there when go looked for them",
            Applicability::Rehearse,
            copy,
        )
        .with(
            "complete-sums",
            "Let go complete go.sum while it builds (`-mod=mod`)",
            "go.mod and the imports say what is meant; what is missing is added and checked against sum.golang.org",
            Applicability::Rehearse,
            with_mode(case, index, "mod"),
        )
}

/// The step with `-mod=mode` for its one call of go that loads packages.
fn with_mode(case: &Case<'_>, index: usize, mode: &str) -> Option<Edit> {
    let replace = |from: &str, to: &str| {
        edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, from, to)
    };
    let args = &case.dockerfile.instructions()[index].args;
    if args.contains("-mod=") {
        return ["vendor", "readonly"].iter().find_map(|old| replace(&format!("-mod={old}"), &format!("-mod={mode}")));
    }
    let verbs = ["go build", "go install", "go run", "go vet", "go list", "go test"];
    let used: Vec<&str> = verbs.into_iter().filter(|verb| args.contains(verb)).collect();
    let [verb] = used.as_slice() else { return None };
    replace(verb, &format!("{verb} -mod={mode}"))
}
