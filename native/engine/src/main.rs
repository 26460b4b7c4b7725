//! `calyx-engine run <job folder>`: one job in, one run folder out, progress as JSON lines on stdout.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use calyx_engine::control::{self, Control};
use calyx_engine::failure::Failure;
use calyx_engine::job::Job;
use calyx_engine::manifest::ENGINE_VERSION;
use calyx_engine::progress::Reporter;
use calyx_engine::{checkpoint, machine, output, pipeline, run};

const HELP: &str = "\
calyx-engine run <job folder>   process the job described by job.json in that folder
calyx-engine --version
calyx-engine --help

Progress comes as JSON lines on stdout; the last line has the type `done` or `error`. A line `cancel` on stdin, SIGTERM or SIGINT stops the
run within a second; the end of stdin does not. Films other than raw AVI are decoded by ffmpeg: $FFMPEG_BIN, or `ffmpeg` on the PATH.

Exit codes: 0 done, 2 usage or job, 3 input, 4 ffmpeg missing, 5 memory or disk, 6 done but part of the input was unreadable, 70 a bug,
130 cancelled.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--version" | "-V"] => println!("calyx-engine {ENGINE_VERSION}"),
        ["--help" | "-h"] => println!("{HELP}"),
        ["run", folder] => return ExitCode::from(run_job(folder)),
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Runs a job to its end and returns the exit code; the last line has been written.
fn run_job(folder: &str) -> u8 {
    let start = Instant::now();
    let memory = || machine::memory().map(|memory| memory.held);
    let reporter = Arc::new(Reporter::new(
        Box::new(std::io::stdout()),
        Box::new(move || start.elapsed()),
        Box::new(memory),
    ));
    let fail = |failure: &Failure| {
        reporter.error(failure);
        failure.exit_code()
    };
    // Relative paths inside the job are seen from its folder, wherever the engine was started.
    let job = match std::path::absolute(folder)
        .map_err(|error| Failure::bad_job(error.to_string()))
        .and_then(|f| Job::load(&f))
    {
        Ok(job) => job,
        Err(failure) => return fail(&failure),
    };
    if let Err(error) = rayon::ThreadPoolBuilder::new().num_threads(job.threads).build_global() {
        return fail(&Failure::new("engine.internal", format!("no worker threads: {error}"), ""));
    }
    let control = Control::new(job.memory_bytes);
    control::listen(&control);
    let mut unfinished = vec![output::temporary_name(&job.output)];
    unfinished.extend(job.cache.as_deref().map(checkpoint::temporary_folder));
    control::watch(&control, &reporter, unfinished);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run::run(&job, &control, &reporter, pipeline::analyse)
    }));
    match result {
        Ok(Ok(finished)) => {
            reporter.done(&finished.output, finished.components, finished.accepted, finished.incomplete);
            if finished.incomplete { 6 } else { 0 }
        }
        Ok(Err(failure)) => {
            control.report(&reporter, &failure);
            failure.exit_code()
        }
        Err(panic) => {
            let failure = Failure::from_panic(panic.as_ref());
            control.report(&reporter, &failure);
            failure.exit_code()
        }
    }
}
