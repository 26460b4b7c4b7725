//! What reads files, on files that nobody wrote on purpose.

mod arrays;
mod avi;
mod mat;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Always the same cases.
fn runner(cases: u32) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}
