//! `fuzz <compile|link> --seed N --from N --cases N`: changed fixtures for the compiler and the
//! linker, each case known by seed and number. `tests/fuzz/run.mjs` runs it, within bounds of time and memory,
//! asks V8 about the code and counts; findings that end the process are known by the last case begun.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a tool for tests, on files of our own"
)]

mod compile_case;
mod corpus;
mod link_case;
mod mutate;
mod report;
#[path = "../../tests/support/mod.rs"]
mod support;

use corpus::Corpus;
use fastrand::Rng;
use report::Report;

/// That of the build service's compiling threads.
const STACK_BYTES: usize = 64 * 1024 * 1024;

fn value(name: &str) -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)?.parse().ok()
}

fn run() {
    let target = std::env::args().nth(1).unwrap_or_default();
    let case: fn(&Corpus, &mut Rng, &mut Report) = match target.as_str() {
        "compile" => compile_case::run,
        "link" => link_case::run,
        other => panic!("`{other}` is neither compile nor link"),
    };
    let corpus = Corpus::read();
    let (seed, from) = (value("--seed").unwrap_or(1), value("--from").unwrap_or(0));
    let mut report = Report::default();
    for number in from..from + value("--cases").unwrap_or(1) {
        // Cases do not depend on those before them.
        let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        report.begin(number);
        case(&corpus, &mut rng, &mut report);
        report.end();
    }
}

fn main() {
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(run)
        .unwrap();
    if thread.join().is_err() {
        std::process::exit(101);
    }
}
