//! `st-dotnet-framework`: the runtime image lacks the .NET that the program was built for.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, toolchain};
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "st-dotnet-framework",
    what: "The runtime image lacks the .NET that the program was built for",
    why: "The build stage's SDK is newer than the runtime image of the final stage, or the final stage has the plain \
          runtime where ASP.NET is needed.",
    advice: "Give the final stage mcr.microsoft.com/dotnet/aspnet of the version that the program names.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "You must install or update .NET to run this application",
        "It was not possible to find any compatible framework version",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "You must install or update .NET to run this application.\n\nApp: /app/App.dll\nArchitecture: x64\nFramework: 'Microsoft.AspNetCore.App', version '8.0.0' (x64)\n.NET location: /usr/share/dotnet/\n\nThe following frameworks were found:\n  6.0.16 at [/usr/share/dotnet/shared/Microsoft.AspNetCore.App]",
            files: &[(
                "Dockerfile",
                "FROM mcr.microsoft.com/dotnet/sdk:8.0 AS build\nRUN dotnet publish -o /app\nFROM mcr.microsoft.com/dotnet/aspnet:6.0\nCOPY --from=build /app /app\nENTRYPOINT [\"dotnet\", \"/app/App.dll\"]\n",
            )],
            subject: "Microsoft.AspNetCore.App 8.0.0",
            remedy: Some((
                "raise-image",
                &[(
                    "Dockerfile",
                    "FROM mcr.microsoft.com/dotnet/sdk:8.0 AS build\nRUN dotnet publish -o /app\nFROM mcr.microsoft.com/dotnet/aspnet:8.0\nCOPY --from=build /app /app\nENTRYPOINT [\"dotnet\", \"/app/App.dll\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "It was not possible to find any compatible framework version\nThe framework 'Microsoft.AspNetCore.App', version '3.1.0' was not found.\n  - No frameworks were found.",
            subject: "Microsoft.AspNetCore.App 3.1.0",
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"^Framework: '([\w.]+)', version '([\d.]+)'",
    r"The framework '([\w.]+)', version '([\d.]+)' was not found",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = format!("{} {}", found.subject(), found.name(1));
    let why = format!("the image that is run does not have {subject}");
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some((framework, version)) = hit.subject.split_once(' ') else { return Prescription::none() };
    let wanted: String = version.split('.').take(2).collect::<Vec<_>>().join(".");
    // The plain runtime has no ASP.NET, whatever its version.
    let names: &[&str] = if framework == "Microsoft.AspNetCore.App" { &["aspnet"] } else { &["aspnet", "runtime"] };
    let Some((_, image)) = toolchain::stages_of(case, names).into_iter().next() else { return Prescription::none() };
    let edits = toolchain::raise(case, &image, &wanted);
    Prescription::of(edits.map(|edits| Remedy {
        id: "raise-image".into(),
        title: format!("Run on .NET {wanted}"),
        why: format!("the program was built for {framework} {version}, which `{image}` does not have"),
        applicability: Applicability::Rehearse,
        edits,
    }))
}
