//! What a process says of its own memory. Alone in this file, and so in its process: other tests would free memory between the two readings.
#![cfg(target_os = "linux")]

use calyx_engine::machine::{machine, memory, usage};

#[test]
fn this_process_holds_memory_and_has_used_its_processor() {
    let before = memory().unwrap().held;
    let block = vec![1u8; 64 << 20];
    assert!(memory().unwrap().held >= before + (60 << 20));
    assert!(block.iter().map(|b| u64::from(*b)).sum::<u64>() == 64 << 20);
    assert!(usage().peak_memory_bytes >= 64 << 20);
    assert!(machine().cores >= 1);
}
