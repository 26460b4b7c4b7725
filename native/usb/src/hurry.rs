//! Threads that must not wait for others: the system runs them first, where it lets us.

/// What the system gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Before every ordinary thread.
    RealTime,
    /// As every other: root, or a line `@plugdev - rtprio 10` in `/etc/security/limits.d/`, gives more.
    Ordinary,
}

/// Asks for this thread to be run before others. Threads it starts inherit that.
#[cfg(unix)]
pub fn hurry() -> Priority {
    use thread_priority::unix::{RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id};
    use thread_priority::{ThreadPriority, ThreadPriorityValue};
    /// Low among real-time threads: the system's own keep their place.
    const LEVEL: u8 = 10;
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    let Ok(level) = ThreadPriorityValue::try_from(LEVEL) else {
        return Priority::Ordinary;
    };
    match set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(level), policy) {
        Ok(()) => Priority::RealTime,
        Err(_) => Priority::Ordinary,
    }
}

/// Asks for this thread to be run before others.
#[cfg(not(unix))]
pub fn hurry() -> Priority {
    match thread_priority::set_current_thread_priority(thread_priority::ThreadPriority::Max) {
        Ok(()) => Priority::RealTime,
        Err(_) => Priority::Ordinary,
    }
}
