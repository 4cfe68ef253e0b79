//! `os-yum-eol`: the repositories of a CentOS or Fedora release are gone.

use crate::diagnosis::Case;
use crate::diagnosis::base;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "os-yum-eol",
    what: "The repositories of a CentOS or Fedora release are gone",
    why: "The release is no longer maintained; its packages moved to vault.centos.org or the Fedora archive.",
    advice: "Point the repository files at the vault, or move to rockylinux/almalinux of the same major version.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "Cannot find a valid baseurl",
        "Could not retrieve mirrorlist",
        "repomd.xml: [Errno",
        "Failed to download metadata for repo",
        "Errors during downloading metadata",
        "Cannot retrieve repository metadata",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "#6 [2/3] RUN yum install -y gcc\n#6 0.5 Error: Failed to download metadata for repo 'appstream': Cannot prepare internal mirrorlist: No URLs in mirrorlist\n#6 ERROR: process \"/bin/sh -c yum install -y gcc\" did not complete successfully: exit code: 1",
        files: &[("Dockerfile", "FROM centos:8\nRUN yum install -y gcc\n")],
        subject: "appstream",
        remedy: Some((
            "use-vault",
            &[(
                "Dockerfile",
                "FROM centos:8\nRUN sed -i -e 's|^mirrorlist=|#mirrorlist=|' -e 's|^#\\s*baseurl=http://mirror.centos.org|baseurl=http://vault.centos.org|' /etc/yum.repos.d/CentOS-*.repo\nRUN yum install -y gcc\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPE: Phrases = Phrases::new(&[
    r"(?:Cannot find a valid baseurl for repo:? ?|Failed to download metadata for repo |Errors during downloading metadata for repository )'?(?P<repo>[\w/.-]+)|Could not retrieve mirrorlist (?P<url>\S+)|(?P<url2>https?://\S+/repomd\.xml): \[Errno|Cannot retrieve repository metadata",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPE.last(case, lines)?;
    let subject = seen.named(&["repo", "url", "url2"]).to_owned();
    let why = format!("the repository `{subject}` is no longer served");
    Some(Hit::at(seen.line, subject, why).confidence(0.94))
}

const VAULT: &str = "RUN sed -i -e 's|^mirrorlist=|#mirrorlist=|' -e 's|^#\\s*baseurl=http://mirror.centos.org|baseurl=http://vault.centos.org|' /etc/yum.repos.d/CentOS-*.repo";

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    let centos = base::of(case, index).is_some_and(|base| base.image.official() == Some("centos"));
    let edit = (centos && !case.dockerfile.text().contains("vault.centos.org")).then(|| {
        edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &[VAULT])
    });
    Prescription::none().with(
        "use-vault",
        "Let yum ask vault.centos.org",
        "the vault still has all packages of the release; it gets no security updates",
        Applicability::Rehearse,
        edit.flatten(),
    )
}
