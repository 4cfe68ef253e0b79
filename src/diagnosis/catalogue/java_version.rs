//! `java-version`: the JDK of the image does not fit the project.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, java};
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "java-version",
    what: "The JDK of the image does not fit the project",
    why: "The project or a library wants a newer Java than the image has, or Gradle and plugins know no Java as \
          new.",
    advice: "Take an image with the JDK that the build file states, in the runtime stage as well.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    before: &["java-toolchain"],
    needles: &[
        "invalid target release",
        "error: release version",
        "Unsupported class file major version",
        "more recent version of the Java Runtime",
        "UnsupportedClassVersionError",
        "class file has wrong version",
        "Could not determine java version from",
        "invalid source release",
        "is no longer supported. Use",
        "Source option",
        "requires at least Java",
        "requires Java",
        "requires at least JVM runtime version",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.10.1:compile (default-compile) on project app: Fatal error compiling: error: release version 17 not supported -> [Help 1]",
            subject: "release version 17",
            ..Example::BLANK
        },
        Example {
            log: "java.lang.UnsupportedClassVersionError: a/App has been compiled by a more recent version of the Java Runtime (class file version 61.0), this version of the Java Runtime only recognizes class file versions up to 55.0",
            subject: "61.0",
            ..Example::BLANK
        },
        // Both stages are too old: the one that builds, and the one that would run what it made.
        Example {
            log: "#9 [build 4/4] RUN mvn -B package -DskipTests\n#9 31.2 [ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.11.0:compile (default-compile) on project ledger: Fatal error compiling: error: release version 21 not supported -> [Help 1]\n#9 ERROR: process \"/bin/sh -c mvn -B package -DskipTests\" did not complete successfully: exit code: 1",
            files: &[(
                "Dockerfile",
                "FROM maven:3.9.6-eclipse-temurin-17 AS build\nWORKDIR /src\nCOPY . .\nRUN mvn -B package -DskipTests\n\nFROM eclipse-temurin:17-jre-alpine\nCOPY --from=build /src/target/ledger.jar /ledger.jar\nCMD [\"java\", \"-jar\", \"/ledger.jar\"]\n",
            )],
            subject: "release version 21",
            remedy: Some((
                "raise-java",
                &[(
                    "Dockerfile",
                    "FROM maven:3.9.6-eclipse-temurin-21 AS build\nWORKDIR /src\nCOPY . .\nRUN mvn -B package -DskipTests\n\nFROM eclipse-temurin:21-jre-alpine\nCOPY --from=build /src/target/ledger.jar /ledger.jar\nCMD [\"java\", \"-jar\", \"/ledger.jar\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        // It was built for 21 and is run on 17: only the image that runs it is raised.
        Example {
            log: "Error: LinkageError occurred while loading main class org.example.Main\n\tjava.lang.UnsupportedClassVersionError: org/example/Main has been compiled by a more recent version of the Java Runtime (class file version 65.0), this version of the Java Runtime only recognizes class file versions up to 61.0\n==> Exited with status 1",
            files: &[(
                "Dockerfile",
                "FROM gradle:8.7-jdk21 AS build\nCOPY . .\nRUN gradle bootJar\nFROM eclipse-temurin:17-jre\nCOPY --from=build /home/gradle/build/libs/app.jar /app.jar\nENTRYPOINT [\"java\", \"-jar\", \"/app.jar\"]\n",
            )],
            subject: "65.0",
            remedy: Some((
                "raise-java",
                &[(
                    "Dockerfile",
                    "FROM gradle:8.7-jdk21 AS build\nCOPY . .\nRUN gradle bootJar\nFROM eclipse-temurin:21-jre\nCOPY --from=build /home/gradle/build/libs/app.jar /app.jar\nENTRYPOINT [\"java\", \"-jar\", \"/app.jar\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        // The project's Gradle does not know the Java of the image.
        Example {
            log: "#8 [build 3/3] RUN ./gradlew build\n#8 9.1 FAILURE: Build failed with an exception.\n#8 9.1 * What went wrong:\n#8 9.1 Could not open settings generic class cache for settings file '/src/settings.gradle'.\n#8 9.1 > BUG! exception in phase 'semantic analysis' in source unit '_BuildScript_' Unsupported class file major version 65\n#8 ERROR: process \"/bin/sh -c ./gradlew build\" did not complete successfully: exit code: 1",
            files: &[
                ("Dockerfile", "FROM eclipse-temurin:21-jdk AS build\nCOPY . .\nRUN ./gradlew build\n"),
                (
                    "gradle/wrapper/gradle-wrapper.properties",
                    "distributionUrl=https\\://services.gradle.org/distributions/gradle-7.6.1-bin.zip\n",
                ),
                ("build.gradle", "sourceCompatibility = '17'\n"),
            ],
            subject: "65",
            remedy: Some((
                "lower-java",
                &[("Dockerfile", "FROM eclipse-temurin:17-jdk AS build\nCOPY . .\nRUN ./gradlew build\n")],
            )),
            ..Example::BLANK
        },
        // It asks for Java 21 itself: an older one is no way out, the wrapper has to be raised by its author.
        Example {
            log: "#8 [build 3/3] RUN ./gradlew build\n#8 9.1 > BUG! exception in phase 'semantic analysis' in source unit '_BuildScript_' Unsupported class file major version 65\n#8 ERROR: process \"/bin/sh -c ./gradlew build\" did not complete successfully: exit code: 1",
            files: &[
                ("Dockerfile", "FROM eclipse-temurin:21-jdk AS build\nCOPY . .\nRUN ./gradlew build\n"),
                (
                    "gradle/wrapper/gradle-wrapper.properties",
                    "distributionUrl=https\\://services.gradle.org/distributions/gradle-7.6.1-bin.zip\n",
                ),
                ("build.gradle", "java { toolchain { languageVersion = JavaLanguageVersion.of(21) } }\n"),
            ],
            subject: "65",
            ..Example::BLANK
        },
        Example {
            log: "#9 [build 4/4] RUN mvn package\n#9 21.0 [ERROR] COMPILATION ERROR :\n#9 21.0 [ERROR] Source option 5 is no longer supported. Use 7 or later.\n#9 21.0 [ERROR] Target option 5 is no longer supported. Use 7 or later.\n#9 ERROR: process \"/bin/sh -c mvn package\" did not complete successfully: exit code: 1",
            files: &[("Dockerfile", "FROM maven:3.9-eclipse-temurin-17\nWORKDIR /src\nCOPY . .\nRUN mvn package\n")],
            subject: "5",
            remedy: Some((
                "lower-java",
                &[("Dockerfile", "FROM maven:3.9-eclipse-temurin-8\nWORKDIR /src\nCOPY . .\nRUN mvn package\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"(release version \d+) not supported",
    r"invalid (?:target|source) release: (\S+)",
    r"/([\w.-]+\.jar)\(.*bad class file",
    r"bad class file: \S*?/([\w.-]+\.jar)",
    r"class file has wrong version ([\d.]+)",
    r"class file version ([\d.]+)",
    r"Unsupported class file major version (\d+)",
    r"Could not determine java version from '([^']+)'",
    r"[Ss]ource option (\S+) is no longer supported",
    r"requires at least JVM runtime version (\d+)",
    r"requires (?:at least )?Java (\d+)",
    r"UnsupportedClassVersionError: (\S+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the Java of the image does not fit: {subject}");
    Some(Hit::at(found.line, subject, why))
}

/// What the log asks of the Java in the image.
enum Wanted {
    /// This release or a later one.
    AtLeast(u32),
    /// An earlier one: this at most.
    AtMost(u32),
}

/// Class files of Java 1 have the number 45; each release since counts one more.
const CLASS_FILE_OF_JAVA_1: u32 = 44;

fn wanted(case: &Case<'_>, hit: &Hit) -> Option<Wanted> {
    static RELEASE: Phrases = Phrases::new(&[
        r"release version (\d+)",
        r"(?:target|source) release: (?:1\.)?(\d+)",
        r"(?:runtime version|Java) (\d+)",
    ]);
    static CLASS: Phrases = Phrases::new(&[r"class file (?:has wrong )?version (\d+)"]);
    static REMOVED: Phrases = Phrases::new(&[r"[Ss]ource option (?:1\.)?(\d+) is no longer supported"]);
    static UNKNOWN: Phrases =
        Phrases::new(&[r"Unsupported class file major version (\d+)", r"Could not determine java version from"]);
    let line = case.text(hit.line?);
    let number = |phrases: &Phrases| phrases.read(line).and_then(|found| found.names().next()?.parse::<u32>().ok());
    if let Some(source) = number(&REMOVED) {
        // The last release of long support whose compiler knows it (release notes of javac 9, 12, 20).
        return Some(Wanted::AtMost(match source {
            ..=5 => 8,
            6 => 11,
            _ => 17,
        }));
    }
    if UNKNOWN.fits(line) {
        return Some(Wanted::AtMost(java::newest_for(&java::gradle(case)?)?));
    }
    let class = number(&CLASS).and_then(|class| class.checked_sub(CLASS_FILE_OF_JAVA_1));
    Some(Wanted::AtLeast(class.or_else(|| number(&RELEASE))?))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let remedy = |id: &str, title: String, why: String, edits: Vec<Edit>| {
        Prescription::of([Remedy { id: id.into(), title, why, applicability: Applicability::Rehearse, edits }])
    };
    let while_building = case.log.failing.is_some();
    match wanted(case, hit) {
        Some(Wanted::AtLeast(needs)) => {
            let Some(release) = java::at_least(needs) else { return Prescription::none() };
            let building = java::building(case).filter(|_| while_building);
            let both = [building, java::running(case)].into_iter().flatten();
            let mut edits: Vec<Edit> = Vec::new();
            for (stage, image, has) in both {
                let Some(edit) = java::moved(case, stage, &image, release).filter(|_| has < needs) else { continue };
                edits.extend(Some(edit).filter(|edit| !edits.contains(edit)));
            }
            if edits.is_empty() {
                return Prescription::none();
            }
            let why = format!("the image has an older Java than {needs}; the kind of image stays");
            remedy("raise-java", format!("Use Java {release}"), why, edits)
        }
        Some(Wanted::AtMost(release)) => {
            let asks_more = java::stated(case).is_some_and(|stated| stated > release);
            let Some((stage, image, _)) = java::building(case).filter(|(.., has)| *has > release && !asks_more) else {
                return Prescription::none();
            };
            let Some(edit) = java::moved(case, stage, &image, release) else { return Prescription::none() };
            let why = "the project's own tools and settings know no newer Java; what it compiles to stays the same";
            remedy("lower-java", format!("Build on Java {release}"), why.into(), vec![edit])
        }
        None => Prescription::none(),
    }
}
