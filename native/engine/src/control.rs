//! Stopping a run from outside: a line `cancel` on stdin, a signal, or the memory budget. Stages are asked to stop; a stage that does not
//! answer in time is cut off together with its unfinished files.

use std::io::BufRead;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::machine;
use crate::progress::Reporter;

/// How often signals and memory are looked at.
const PERIOD: Duration = Duration::from_millis(40);
/// Stages get so long to stop by themselves; a cancelled run ends within a second.
const PATIENCE: Duration = Duration::from_millis(600);
/// Passing the budget by this factor ends the run without waiting.
const FAR_OVER: f64 = 1.15;

const RUNNING: u8 = 0;
const CANCELLED: u8 = 1;
const OUT_OF_MEMORY: u8 = 2;

/// Shared by the stages, the watchdog and the end of the run.
pub struct Control {
    reason: AtomicU8,
    used: AtomicU64,
    memory_bytes: u64,
    /// True once somebody owns the ending: the result's rename, or the watchdog's exit.
    ended: Mutex<bool>,
}

impl Control {
    /// A run that may hold `memory_bytes`.
    pub fn new(memory_bytes: u64) -> Arc<Self> {
        Arc::new(Self {
            reason: AtomicU8::new(RUNNING),
            used: AtomicU64::new(0),
            memory_bytes,
            ended: Mutex::new(false),
        })
    }

    /// True when the stages must stop.
    pub fn stopped(&self) -> bool {
        self.reason.load(Ordering::Relaxed) != RUNNING
    }

    /// Asks the run to stop.
    pub fn cancel(&self) {
        self.stop(CANCELLED);
    }

    /// Tells how much memory is held; asks the run to stop when it is too much.
    pub fn holds(&self, bytes: u64) {
        if bytes > self.memory_bytes {
            self.used.fetch_max(bytes, Ordering::Relaxed);
            self.stop(OUT_OF_MEMORY);
        }
    }

    /// The first reason stays.
    fn stop(&self, reason: u8) {
        let _ = self.reason.compare_exchange(RUNNING, reason, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Why the run was stopped; `None` while nobody asked.
    pub fn failure(&self) -> Option<Failure> {
        match self.reason.load(Ordering::Relaxed) {
            CANCELLED => Some(Failure::cancelled()),
            OUT_OF_MEMORY => Some(Failure::out_of_memory(self.used.load(Ordering::Relaxed), self.memory_bytes)),
            _ => None,
        }
    }

    /// Claims the ending. Only one caller gets it; a result that claims it can no longer be cancelled.
    ///
    /// # Errors
    /// The reason to stop, when there is one already.
    pub fn claim_end(&self) -> Result<(), Failure> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        match self.failure() {
            Some(failure) => Err(failure),
            None => {
                *ended = true;
                Ok(())
            }
        }
    }

    /// Claims the ending of a run that failed: false when somebody else has it.
    fn claim_failure(&self) -> bool {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        !std::mem::replace(&mut *ended, true)
    }

    /// Reports a failure as the last line, unless the watchdog does so at this moment; then waits for it to end the process.
    pub fn report(&self, reporter: &Reporter, failure: &Failure) {
        if self.claim_failure() {
            reporter.error(failure);
        } else {
            std::thread::sleep(2 * PATIENCE);
        }
    }
}

/// Listens for `cancel` on stdin. The end of stdin means nothing: a cluster closes it at once.
pub fn listen(control: &Arc<Control>) {
    let control = Arc::clone(control);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if line.trim() == "cancel" {
                control.cancel();
            }
        }
    });
}

/// Signals that end a run; SIGXFSZ only must not kill, so that the write fails with an error that can be told.
#[cfg(unix)]
fn signals() -> Arc<AtomicBool> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let _ = signal_hook::flag::register(signal, Arc::clone(&asked));
    }
    let _ = signal_hook::flag::register(libc::SIGXFSZ, Arc::new(AtomicBool::new(false)));
    asked
}

#[cfg(not(unix))]
fn signals() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}

/// Watches signals and memory for the rest of the process. When the stages do not stop in time, removes what is `unfinished`, reports and exits.
pub fn watch(control: &Arc<Control>, reporter: &Arc<Reporter>, unfinished: Vec<PathBuf>) {
    let (control, reporter, asked) = (Arc::clone(control), Arc::clone(reporter), signals());
    std::thread::spawn(move || {
        let mut since: Option<Instant> = None;
        loop {
            std::thread::sleep(PERIOD);
            if asked.load(Ordering::Relaxed) {
                control.cancel();
            }
            let held = machine::memory().map_or(0, |memory| memory.held);
            control.holds(held);
            let Some(failure) = control.failure() else { continue };
            let waited = since.get_or_insert_with(Instant::now).elapsed();
            let far_over = held as f64 > FAR_OVER * control.memory_bytes as f64;
            if (waited > PATIENCE || far_over) && control.claim_failure() {
                unfinished.iter().for_each(|folder| remove(folder));
                reporter.error(&failure);
                std::process::exit(i32::from(failure.exit_code()));
            }
        }
    });
}

/// Other threads may still be writing there: try until nothing new appears.
fn remove(folder: &std::path::Path) {
    for _ in 0..20 {
        let _ = std::fs::remove_dir_all(folder);
        // The result of a match is a file.
        let _ = std::fs::remove_file(folder);
        if !folder.exists() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_to_stop_is_the_one_that_is_told() {
        let control = Control::new(100);
        control.holds(100);
        assert!(!control.stopped());
        control.holds(101);
        control.cancel();
        assert_eq!(control.failure().unwrap().code, "engine.out_of_memory");
    }

    #[test]
    fn a_result_that_is_being_named_cannot_be_cancelled_any_more() {
        let control = Control::new(100);
        control.claim_end().unwrap();
        control.cancel();
        assert!(!control.claim_failure());
        let other = Control::new(100);
        other.cancel();
        assert_eq!(other.claim_end().unwrap_err().code, "engine.cancelled");
        assert!(other.claim_failure());
    }
}
