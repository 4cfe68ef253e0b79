//! `other-dotnet-sdk`: the .NET SDK of the image does not fit.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "other-dotnet-sdk",
    what: "The .NET SDK of the image does not fit",
    why: "The project targets a newer .NET than the SDK, global.json asks for another one, or a package source \
          fails.",
    advice: "Take mcr.microsoft.com/dotnet/sdk of the target framework.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "does not support targeting .NET",
        "NETSDK1045",
        "NU1101",
        "compatible .NET SDK was not found",
        "NU1301",
        "MSB4236",
        "error NU1102",
        "error NU1103",
        "error NETSDK1064",
        "error MSB4057",
        "error MSB3202",
    ],
    detect,
    examples: &[Example {
        log: "/usr/share/dotnet/sdk/6.0.100/Microsoft.NET.TargetFrameworkInference.targets(144,5): error NETSDK1045: The current .NET SDK does not support targeting .NET 8.0.  Either target .NET 6.0 or lower, or use a version of the .NET SDK that supports .NET 8.0.",
        subject: "8.0",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"does not support targeting \.NET (?:Core )?(\d+(?:\.\d+)?)",
    r"error (NETSDK1045)",
    r"error NU110[123]: Unable to find (?:a stable )?package ([\w.]+)",
    r"error NETSDK1064: Package ([\w.]+),",
    r#"error MSB3202: The project file "([^"]+)""#,
    r#"error MSB4057: The target "([^"]+)""#,
    r"Requested SDK version: (\S+)",
    r"(compatible \.NET SDK) was not found",
    r"error (NU1301|MSB4236)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject().trim_end_matches('.');
    let why = format!("the .NET SDK of the image cannot build this ({subject})");
    Some(Hit::at(found.line, subject, why))
}
