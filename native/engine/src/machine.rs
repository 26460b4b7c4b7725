//! What this process uses and what it runs on.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// The machine a run was made on, for its provenance; no names of people or hosts.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Operating system.
    pub os: &'static str,
    /// Instruction set.
    pub architecture: &'static str,
    /// Processor, where the system tells.
    pub processor: Option<String>,
    /// Cores that can be used.
    pub cores: usize,
    /// Bytes of memory, where the system tells.
    pub memory_bytes: Option<u64>,
    /// Widest vector instructions that the kernels are dispatched to.
    pub simd: &'static str,
}

/// This machine.
pub fn machine() -> Machine {
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    Machine {
        os: std::env::consts::OS,
        architecture: std::env::consts::ARCH,
        processor: field("/proc/cpuinfo", "model name"),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_bytes: field("/proc/meminfo", "MemTotal").and_then(|text| kilobytes(&text)),
        simd: simd(),
    }
}

#[cfg(target_arch = "x86_64")]
fn simd() -> &'static str {
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "avx2+fma"
    } else {
        "sse2"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn simd() -> &'static str {
    "baseline"
}

fn kilobytes(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse::<u64>().ok().map(|kb| kb * 1024)
}

/// Bytes of memory a process holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Held now and not only a view of a file: what the budget limits. Mapped films do not count, the system takes them back at will.
    pub held: u64,
    /// Largest resident size so far, mapped files included.
    pub peak: u64,
}

/// Most memory seen held so far, bytes.
static PEAK_HELD: AtomicU64 = AtomicU64::new(0);

/// This process's memory, where the system tells (Linux). What is seen here is remembered for [`usage`].
pub fn memory() -> Option<Memory> {
    let memory = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| parse_status(&text))?;
    PEAK_HELD.fetch_max(memory.held, Ordering::Relaxed);
    Some(memory)
}

fn parse_status(text: &str) -> Option<Memory> {
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        kilobytes(line.split_once(':')?.1)
    };
    Some(Memory {
        held: value("RssAnon")? + value("RssShmem").unwrap_or(0),
        peak: value("VmHWM")?,
    })
}

/// Processor seconds (user and system) and peak memory of the engine and of the decoders that have ended.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Seconds of this process.
    pub engine_cpu_seconds: f64,
    /// Seconds of its decoders.
    pub decoder_cpu_seconds: f64,
    /// Largest resident size of this process, bytes.
    pub peak_memory_bytes: u64,
    /// Most memory held that is not a view of a file, bytes: what the budget limits. Looked at every 40 ms; 0 where the system does not tell.
    pub peak_anonymous_bytes: u64,
    /// Largest resident size of one decoder, bytes; the system counts the engine's size at the decoder's start in, so this is a bound.
    pub decoder_peak_memory_bytes: u64,
}

/// What has been used so far.
#[cfg(unix)]
pub fn usage() -> Usage {
    use nix::sys::resource::{Usage as Used, UsageWho, getrusage};
    use nix::sys::time::TimeVal;
    let seconds = |t: TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 * 1e-6;
    let cpu = |used: &Used| seconds(used.user_time()) + seconds(used.system_time());
    // Kilobytes on Linux, bytes on macOS.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let peak = |used: &Used| u64::try_from(used.max_rss()).unwrap_or(0) * unit;
    let (own, children) = (getrusage(UsageWho::RUSAGE_SELF), getrusage(UsageWho::RUSAGE_CHILDREN));
    Usage {
        engine_cpu_seconds: own.as_ref().map_or(0.0, cpu),
        decoder_cpu_seconds: children.as_ref().map_or(0.0, cpu),
        // The count of resources also remembers the program that started this one; the memory map's own mark does not.
        peak_memory_bytes: memory().map_or_else(|| own.as_ref().map_or(0, peak), |memory| memory.peak),
        peak_anonymous_bytes: PEAK_HELD.load(Ordering::Relaxed),
        decoder_peak_memory_bytes: children.as_ref().map_or(0, peak),
    }
}

/// What has been used so far: not known on this system.
#[cfg(not(unix))]
pub fn usage() -> Usage {
    Usage::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_files_do_not_count_against_the_budget() {
        let status = "Name:\tx\nVmHWM:\t  2000 kB\nVmRSS:\t 1500 kB\nRssAnon:\t  1000 kB\nRssFile:\t 490 kB\nRssShmem:\t 10 kB\n";
        let wanted = Memory {
            held: 1010 * 1024,
            peak: 2000 * 1024,
        };
        assert_eq!(parse_status(status), Some(wanted));
        assert_eq!(parse_status("Name:\tx\n"), None);
    }
}
