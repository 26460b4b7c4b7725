//! `calyx-engine run <job folder>`: one job in, one run folder out, progress as JSON lines on stdout.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use calyx_engine::control::{self, Control};
use calyx_engine::failure::Failure;
use calyx_engine::identity::job::MatchJob;
use calyx_engine::job::Job;
use calyx_engine::manifest::ENGINE_VERSION;
use calyx_engine::progress::Reporter;
use calyx_engine::{checkpoint, identity, machine, manifest, output, pipeline, plan, run};

const HELP: &str = "\
calyx-engine run <job folder>     process the job described by job.json in that folder
calyx-engine plan <job folder>    say as one JSON object what that would do and need; nothing is decoded or written
calyx-engine match <job folder>   find the same cells in several sessions, as its job.json says
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
        ["plan", folder] => return ExitCode::from(plan_job(folder)),
        ["run", folder] => return ExitCode::from(run_job(folder)),
        ["match", folder] => return ExitCode::from(match_sessions(folder)),
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Prints the plan of a job, or one line about what is wrong with it, and returns the exit code.
fn plan_job(folder: &str) -> u8 {
    let planned = std::path::absolute(folder)
        .map_err(|error| Failure::bad_job(error.to_string()))
        .and_then(|f| Job::load(&f))
        .and_then(|job| plan::plan(&job));
    match planned {
        Ok(plan) => {
            println!("{}", manifest::plain(&plan));
            0
        }
        Err(failure) => {
            let mut line = manifest::plain(&failure);
            line["type"] = "error".into();
            println!("{line}");
            failure.exit_code()
        }
    }
}

/// The reporter on stdout, and the job in `folder`; the reason is told when there is none. Relative paths inside a job are seen from its folder,
/// wherever the engine was started.
fn opened<J>(folder: &str, load: impl FnOnce(&std::path::Path) -> Result<J, Failure>) -> Result<(Arc<Reporter>, J), u8> {
    let start = Instant::now();
    let memory = || machine::memory().map(|memory| memory.held);
    let reporter = Arc::new(Reporter::new(
        Box::new(std::io::stdout()),
        Box::new(move || start.elapsed()),
        Box::new(memory),
    ));
    match std::path::absolute(folder)
        .map_err(|error| Failure::bad_job(error.to_string()))
        .and_then(|f| load(&f))
    {
        Ok(job) => Ok((reporter, job)),
        Err(failure) => {
            reporter.error(&failure);
            Err(failure.exit_code())
        }
    }
}

/// Worker threads for the whole process; the exit code when there are none.
fn start_threads(threads: usize, reporter: &Reporter) -> Result<(), u8> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|error| {
            let failure = Failure::new("engine.internal", format!("no worker threads: {error}"), "");
            reporter.error(&failure);
            failure.exit_code()
        })
}

/// Runs `work` to its end, whatever that is; returns the exit code of a failure, which has been reported.
fn guarded<T>(control: &Arc<Control>, reporter: &Reporter, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, u8> {
    let failure = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::from_panic(panic.as_ref()),
    };
    control.report(reporter, &failure);
    Err(failure.exit_code())
}

/// Runs a job to its end and returns the exit code; the last line has been written.
fn run_job(folder: &str) -> u8 {
    let run = || -> Result<u8, u8> {
        let (reporter, job) = opened(folder, Job::load)?;
        start_threads(job.threads, &reporter)?;
        let control = Control::new(job.memory_bytes);
        control::listen(&control);
        let mut unfinished = vec![output::temporary_name(&job.output)];
        unfinished.extend(job.cache.as_deref().map(checkpoint::temporary_folder));
        control::watch(&control, &reporter, unfinished);
        let finished = guarded(&control, &reporter, || run::run(&job, &control, &reporter, pipeline::analyse))?;
        reporter.done(&finished.output, finished.components, finished.accepted, finished.incomplete);
        Ok(if finished.incomplete { 6 } else { 0 })
    };
    run().unwrap_or_else(|code| code)
}

/// Finds the cells of several sessions and returns the exit code; the last line has been written.
fn match_sessions(folder: &str) -> u8 {
    let run = || -> Result<(), u8> {
        let (reporter, job) = opened(folder, MatchJob::load)?;
        start_threads(job.threads, &reporter)?;
        let control = Control::new(job.memory_bytes);
        control::listen(&control);
        control::watch(&control, &reporter, vec![output::temporary_name(&job.output)]);
        guarded(&control, &reporter, || identity::run::run(&job, &control, &reporter))?;
        reporter.written(&job.output);
        Ok(())
    };
    run().err().unwrap_or(0)
}
