//! The cache against frames kept whole.

use super::*;

/// A frame in which every pixel and every frame differ, with values between the codes.
fn frame(t: usize, mean0: &[f32], step: f32) -> Vec<f32> {
    mean0
        .iter()
        .enumerate()
        .map(|(p, m)| m + step * (((p * 7 + t * 13) % 240) as f32 - 120.0 + 0.3))
        .collect()
}

fn offsets(height: usize, width: usize) -> Vec<f32> {
    (0..height * width).map(|p| 40.0 + p as f32 * 0.37).collect()
}

fn temporary(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("calyx-cache-{}-{name}", std::process::id()))
}

#[test]
fn a_value_comes_back_within_half_a_step() {
    let (h, w, step) = (5, 9, 0.7);
    let mut cache = TileCache::in_memory(h, w, offsets(h, w), step).unwrap();
    for t in 0..20 {
        cache.push(&frame(t, &offsets(h, w), step)).unwrap();
    }
    let mut block = Vec::new();
    cache.read_block(3, 10, &mut block).unwrap();
    assert_eq!(block.len(), 10 * h * w);
    for t in 0..10 {
        for (p, wanted) in frame(t + 3, cache.mean0(), step).into_iter().enumerate() {
            assert!((cache.value(p, block[t * h * w + p]) - wanted).abs() <= 0.5 * step + 1e-4);
        }
    }
    assert_eq!((cache.frames(), cache.height(), cache.width(), cache.saturated()), (20, h, w, 0));
}

#[test]
fn values_beyond_the_codes_are_clipped_and_counted() {
    let mut cache = TileCache::in_memory(1, 5, vec![100.0; 5], 0.5).unwrap();
    cache.push(&[100.0, 36.0, 35.5, 163.5, 164.0]).unwrap();
    let mut block = Vec::new();
    cache.read_block(0, 1, &mut block).unwrap();
    assert_eq!(block, [128, 0, 0, 255, 255]);
    assert_eq!(cache.saturated(), 2);
    cache.push(&[f32::NAN; 5]).unwrap();
    cache.read_block(1, 1, &mut block).unwrap();
    assert_eq!(block, [128; 5]);
}

#[test]
fn the_file_holds_the_same_bytes_as_the_memory_whatever_was_flushed() {
    let (h, w, step) = (3, 7, 1.0);
    let path = temporary("same");
    let mut disk = TileCache::on_disk(&path, h, w, offsets(h, w), step).unwrap();
    let mut memory = TileCache::in_memory(h, w, offsets(h, w), step).unwrap();
    for t in 0..30 {
        disk.push(&frame(t, &offsets(h, w), step)).unwrap();
        memory.push(&frame(t, &offsets(h, w), step)).unwrap();
        if t == 10 || t == 17 {
            disk.flush().unwrap();
        }
    }
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for (first, count) in [(0, 30), (0, 18), (5, 20), (17, 2), (18, 12), (29, 1), (30, 0)] {
        disk.read_block(first, count, &mut a).unwrap();
        memory.read_block(first, count, &mut b).unwrap();
        assert_eq!(a, b, "{first} {count}");
    }
    disk.flush().unwrap();
    disk.read_block(0, 30, &mut a).unwrap();
    memory.read_block(0, 30, &mut b).unwrap();
    assert_eq!(a, b);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 30 * 21);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_saved_cache_comes_back_from_its_file_with_the_same_codes() {
    let (h, w, step) = (3, 7, 0.3);
    let (kept, copy) = (temporary("kept"), temporary("copy"));
    let mut disk = TileCache::on_disk(&kept, h, w, offsets(h, w), step).unwrap();
    let mut memory = TileCache::in_memory(h, w, offsets(h, w), step).unwrap();
    for t in 0..9 {
        disk.push(&frame(t, &offsets(h, w), step)).unwrap();
        memory.push(&frame(t, &offsets(h, w), step)).unwrap();
    }
    let mut wanted = Vec::new();
    memory.read_block(0, 9, &mut wanted).unwrap();
    for (cache, path) in [(&mut disk, &kept), (&mut memory, &copy)] {
        cache.save(path).unwrap();
        let bytes = postcard::to_stdvec(&*cache).unwrap();
        for in_memory in [true, false] {
            let mut back: TileCache = postcard::from_bytes(&bytes).unwrap();
            back.open(path, in_memory).unwrap();
            let mut codes = Vec::new();
            back.read_block(0, 9, &mut codes).unwrap();
            assert_eq!(
                (back.frames(), back.step(), back.mean0(), &codes),
                (9, step, &offsets(h, w)[..], &wanted)
            );
        }
    }
    disk.save(&copy).unwrap();
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(&kept).unwrap());
    std::fs::write(&copy, b"cut").unwrap();
    assert!(disk.open(&copy, false).is_err());
    for path in [kept, copy] {
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_window_over_any_stretch_is_what_whole_frames_show_there() {
    // More than two tiles a side, more than two chunks, the last of each cut.
    let (h, w, step) = (2 * SIDE + 9, SIDE + 21, 0.5);
    let path = temporary("window");
    let mut disk = TileCache::on_disk(&path, h, w, offsets(h, w), step).unwrap();
    let mut memory = TileCache::in_memory(h, w, offsets(h, w), step).unwrap();
    let n = 2 * CHUNK + 31;
    let mut codes = vec![0u8; h * w];
    let code = |t: usize, p: usize| ((t * 131) ^ (p * 37) ^ (p / 251 * 11)) as u8;
    for t in 0..n {
        codes.iter_mut().enumerate().for_each(|(p, q)| *q = code(t, p));
        disk.push_codes(&codes, 0).unwrap();
        memory.push_codes(&codes, 0).unwrap();
    }
    let window = |top, left, height, width| Window { top, left, height, width };
    let mut out = Vec::new();
    for flushed in [false, true] {
        if flushed {
            disk.flush().unwrap();
            memory.flush().unwrap();
        }
        for (win, frames) in [
            (window(0, 0, h, w), 0..n),
            (window(SIDE - 3, 5, SIDE + 8, 7), 100..n - 2),
            (window(1, SIDE - 1, 2, 2), CHUNK..2 * CHUNK),
            (window(h - 1, w - 1, 1, 1), 3..4),
            (window(30, 0, 40, 50), n - 1..n),
            (window(3, 3, 5, 5), 7..7),
        ] {
            for cache in [&disk, &memory] {
                cache.read_window(win, frames.clone(), &mut out).unwrap();
                assert_eq!(out.len(), win.pixels() * frames.len());
                for (i, q) in out.iter().enumerate() {
                    let (p, t) = (i / frames.len(), frames.start + i % frames.len());
                    let (y, x) = (win.top + p / win.width, win.left + p % win.width);
                    assert_eq!(*q, code(t, y * w + x), "{win:?} frame {t} pixel {p}");
                }
            }
        }
    }
    assert_eq!(std::fs::metadata(&path).unwrap().len(), (n * h * w) as u64);
    assert!(disk.read_window(window(0, 1, 1, w), 0..1, &mut out).is_err());
    assert!(disk.read_window(window(0, 0, 1, 1), n..n + 1, &mut out).is_err());
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn wrong_sizes_and_ranges_are_refused() {
    assert!(TileCache::in_memory(2, 2, vec![0.0; 3], 1.0).is_err());
    assert!(TileCache::in_memory(2, 2, vec![0.0; 4], 0.0).is_err());
    let mut cache = TileCache::in_memory(2, 2, vec![0.0; 4], 1.0).unwrap();
    assert!(cache.push(&[0.0; 5]).is_err());
    cache.push(&[0.0; 4]).unwrap();
    assert!(cache.read_block(1, 1, &mut Vec::new()).is_err());
    assert!(cache.read_block(usize::MAX, 2, &mut Vec::new()).is_err());
}
