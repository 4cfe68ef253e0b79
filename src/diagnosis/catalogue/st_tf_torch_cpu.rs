//! `st-tf-torch-cpu`: a numerical library wants a graphics card or a newer processor.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "st-tf-torch-cpu",
    what: "TensorFlow or PyTorch does not fit this machine",
    why: "The installed build wants CUDA or processor instructions that the machine does not have.",
    advice: "Install the CPU build: torch from the CPU index, or tensorflow-cpu.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "avx instructions",
        "illegal instruction",
        "cuda driver initialization failed",
        "found no nvidia driver",
        "libcudart.so",
        "libcuda.so.1",
    ],
    detect,
    examples: &[Example {
        log: "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver",
        subject: "Found no NVIDIA driver",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(Illegal instruction)|compiled to use (AVX) instructions, but|(CUDA driver initialization failed)|(Found no NVIDIA driver)|ImportError: (libcudart\.so[\d.]*|libcuda\.so\.1)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the installed build does not fit this machine: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.9))
}
