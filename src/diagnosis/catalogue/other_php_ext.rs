//! `other-php-ext`: A PHP extension cannot be built.

use crate::diagnosis::Case;
use crate::diagnosis::installs;
use crate::diagnosis::phrase::{Found, Phrases};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "other-php-ext",
    what: "A PHP extension cannot be built",
    why: "Its development library is missing, its configure flags are old, or it does not fit this PHP.",
    advice: "Install the -dev package of the library named; newer PHP wants `--with-jpeg --with-freetype` for gd.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    before: &["nat-autotools"],
    needles: &[
        "adjusting the PKG_CONFIG_PATH",
        "Package requirements (",
        "requires PHP (version",
        "No valid packages found",
        "unrecognized options: --with-",
        "docker-php-ext-install: not found",
        "/usr/src/php/ext/",
        "required by 'virtual:world'",
        "Call to undefined function ",
        "Error: Class \"",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "error: /usr/src/php/ext/mcrypt does not exist\n\nusage: /usr/local/bin/docker-php-ext-install [-jN] [--ini-name file.ini] ext-name [ext-name ...]",
            subject: "mcrypt",
            ..Example::BLANK
        },
        Example {
            log: "PHP Fatal error:  Uncaught Error: Call to undefined function mb_strtoupper() in /srv/public/index.php:5",
            files: &[(
                "Dockerfile",
                "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y php-cli\nCMD [\"php\", \"-S\", \"0.0.0.0:8000\"]\n",
            )],
            subject: "mbstring",
            remedy: Some((
                "install-extension",
                &[(
                    "Dockerfile",
                    "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y php-cli php-mbstring\nCMD [\"php\", \"-S\", \"0.0.0.0:8000\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "Step 3/4 : RUN docker-php-ext-install mbstring\nconfigure: error: Package requirements (oniguruma) were not met:\nConsider adjusting the PKG_CONFIG_PATH environment variable if you",
            subject: "oniguruma",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"error: /usr/src/php/ext/(\w+) does not exist",
    r"Package requirements \(([\w.+-]+)",
    r"Package '([^']+)', required by 'virtual:world', not found",
    r"pecl/(\w+) requires PHP",
    r"unrecognized options: (--with-[\w-]+)",
    r"(docker-php-ext-install): not found",
    r"(No valid packages) found",
    r"No package \'([^\']+)\' found",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    // pkg-config words its failures alike for everybody.
    let php = |text: &str| text.contains("php") || text.contains("pecl");
    if let Some((found, extension)) = unloaded(case, lines) {
        let why = format!("PHP has no `{}`: its extension {extension} is not installed", found.subject());
        return Some(Hit::at(found.line, extension, why).weight(Weight::Root).confidence(0.95));
    }
    if !case.log.lines.iter().any(|line| php(&line.text)) {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("a PHP extension cannot be built ({subject})");
    Some(Hit::at(found.line, subject, why))
}

/// What code calls, or how it begins, and the extension that has it (php.net, function and class index).
const EXTENSIONS: &[(&str, &str)] = &[
    ("mb_", "mbstring"),
    ("curl_", "curl"),
    ("image", "gd"),
    ("simplexml_", "xml"),
    ("xml_", "xml"),
    ("utf8_", "xml"),
    ("DOMDocument", "xml"),
    ("SimpleXMLElement", "xml"),
    ("XMLReader", "xml"),
    ("XMLWriter", "xml"),
    ("bc", "bcmath"),
    ("ZipArchive", "zip"),
    ("NumberFormatter", "intl"),
    ("Collator", "intl"),
    ("IntlDateFormatter", "intl"),
    ("Normalizer", "intl"),
    ("SQLite3", "sqlite3"),
    ("mysqli", "mysql"),
    ("pg_", "pgsql"),
    ("SoapClient", "soap"),
    ("ldap_", "ldap"),
    ("gmp_", "gmp"),
    ("Redis", "redis"),
    ("Imagick", "imagick"),
];

/// Something of PHP that a program that runs did not find, and the extension that has it.
fn unloaded<'t>(case: &'t Case<'_>, lines: &[usize]) -> Option<(Found<'t>, &'static str)> {
    static CALLED: Phrases = Phrases::new(&[
        r"Uncaught Error: Call to undefined function \\?(\w+)\(\)",
        r#"Uncaught Error: Class "\\?(\w+)" not found"#,
    ]);
    let found = CALLED.last(case, lines)?;
    let extension =
        EXTENSIONS.iter().find(|(start, _)| found.subject().starts_with(start)).map(|(_, extension)| *extension)?;
    Some((found, extension))
}

/// Debian packs most extensions apart from PHP; the package goes where PHP is installed.
fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let known = EXTENSIONS.iter().any(|(_, extension)| *extension == hit.subject);
    let instructions = case.dockerfile.instructions();
    let host = (0..instructions.len()).rev().find(|at| {
        let packages = installs::named(case, *at);
        packages.iter().any(|each| each.name.starts_with("php") && matches!(each.manager.as_str(), "apt-get" | "apt"))
    });
    let Some(host) = host.filter(|_| known) else { return Prescription::none() };
    // `php8.2-cli` has `php8.2-mbstring` beside it, `php-cli` has `php-mbstring`.
    let packages = installs::named(case, host);
    let php = packages.iter().find(|each| each.name.starts_with("php")).map_or("php", |each| each.name.as_str());
    let start = php.split('-').next().unwrap_or("php");
    let package = format!("{start}-{}", hit.subject);
    Prescription::none().with(
        "install-extension",
        format!("Install `{package}`"),
        format!("Debian has the extension {} in a package of its own", hit.subject),
        Applicability::Rehearse,
        installs::add_to(case, host, &[&package], &["apt-get", "apt"]),
    )
}
