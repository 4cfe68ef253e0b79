//! `app-tests-in-build`: tests run during the build, and fail.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-tests-in-build",
    what: "A test fails during the build",
    why: "The Dockerfile or the build tool runs the tests, and one fails. Whether the code or the test is wrong only its author knows.",
    advice: "Look at the first failing test. Tests are never edited or skipped unattended.",
    stage: Stage::AppBuild,
    severity: Severity::Medium,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "there are test failures",
        "--- fail:",
        "test failed",
        "failed (failures=",
        "there were failing tests",
        "failed (errors=",
        "failed tests:",
        "tests in error:",
        " failed, ",
        " failed in ",
        "<<< failure!",
        "<<< error!",
        "✕ ",
        "test suites:",
        "failures!!!",
        "unsuccessfully tests",
    ],
    detect,
    examples: &[Example {
        log: "--- FAIL: TestPrice (0.00s)\n    price_test.go:10: got 1\nFAIL\nFAIL\tshop/price\t0.003s",
        subject: "TestPrice",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"^(?:\[\w+\] )*(?:\[ERROR\] +)?(\S+?)(?:\(([\w.$]+)\))?(?: +--)? +Time elapsed: .*<<< (?:FAILURE|ERROR)!|--- FAIL: (\S+)|^FAILED (\S+)|^(?:ERROR|FAIL): (test\w+)|(?:npm ERR! )(Test failed)|(FAILED \((?:failures|errors)=)|=+ (?:\d+ passed, )?(\d+ failed)|(There (?:are|were) (?:test failures|failing tests))|(Failed tests:|Tests in error:)",
]);
static RAISED: Phrases = Phrases::new(&[r"^(?:E\s+)?([\w.]*(?:Error|Exception|Failure)): (.*)$"]);
static NAMED: Phrases = Phrases::new(&[
    r"attribute '(\w+)'|(?:global )?name '(\w+)' is not defined|(\w+) not raised|(?:tag|argument|key|module|template)s?:? '([^']+)'",
]);
static PLACE: Phrases = Phrases::new(&[r"([\w./-]+\.py):\d+: \w*(?:Error|Exception)|([\w./-]+\.py):\d+:\d+: E9"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    // Python's summary only counts; the exception above it names something.
    let counts = found.subject();
    let counted = counts.contains(" failed") || counts.starts_with("FAILED (");
    if counted && let Some(exception) = RAISED.above(case, found.line, 120) {
        let place = PLACE.below(case, exception.line, 4).or_else(|| PLACE.above(case, exception.line, 2));
        let named = NAMED.read(&exception[2]).map(|named| named.subject());
        let subject = named.or_else(|| place.map(|place| place.subject())).unwrap_or_else(|| &exception[1]);
        let why = format!("a test fails during the build: {}", &exception[0].trim());
        return Some(Hit::at(exception.line, subject, why).confidence(0.8));
    }
    let subject = counts;
    let why = format!("a test fails during the build: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.8))
}
