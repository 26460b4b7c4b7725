//! A film of many gigabytes is read through a mapping; what was read must not stay resident.
#![cfg(target_os = "linux")]

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use calyx_media::{Recording, StreamOptions};

/// Kilobytes of `file` that this process holds in memory, by its map of memory.
fn resident(file: &Path) -> u64 {
    let name = file.display().to_string();
    let maps = std::fs::read_to_string("/proc/self/smaps").expect("Linux");
    let mut sum = 0;
    let mut ours = false;
    for line in maps.lines() {
        if line.contains('-') && !line.contains("kB") {
            ours = line.ends_with(&name);
        } else if let Some(rest) = line.strip_prefix("Rss:").filter(|_| ours) {
            sum += rest.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
        }
    }
    sum
}

fn stays_small(codec: &str) {
    let folder = std::env::temp_dir().join(format!("calyx-resident-{codec}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("film.avi");
    // Noise does not compress: 200 frames of 320 × 240 are 15 MB in either codec.
    let status = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "color=gray:s=320x240:r=30,noise=all_seed=7:alls=100:allf=t",
        ])
        .args(["-frames:v", "200", "-pix_fmt", "gray", "-c:v", codec])
        .arg(&path)
        .status()
        .expect("these tests need ffmpeg on the PATH");
    assert!(status.success());
    let whole = std::fs::metadata(&path).expect("the film").len() / 1024;
    assert!(whole > 10_000, "{whole} kB are too few to show anything");

    let recording = Recording::open(std::slice::from_ref(&path)).expect("a film");
    let opened = resident(&path);
    assert!(opened < whole / 10, "{opened} of {whole} kB after opening");
    let options = StreamOptions {
        decoders: 2,
        buffer_bytes: 20 * 320 * 240,
    };
    let mut most = 0;
    let mut frames = 0;
    recording
        .stream(0..200, &options, &mut |_, _, _| {
            frames += 1;
            if frames % 20 == 0 {
                most = most.max(resident(&path));
            }
            ControlFlow::Continue(())
        })
        .expect("readable");
    assert_eq!(frames, 200);
    assert!(most < whole / 3, "{most} of {whole} kB while reading");
    let after = resident(&path);
    assert!(after < whole / 10, "{after} of {whole} kB after reading");
    std::fs::remove_dir_all(&folder).expect("it can be removed");
}

#[test]
fn an_uncompressed_film_that_was_read_is_not_kept_in_memory() {
    stays_small("rawvideo");
}

#[test]
fn a_compressed_film_that_was_read_is_not_kept_in_memory() {
    stays_small("ffv1");
}
