//! Without ffmpeg. Alone in its program, since it changes the environment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use calyx_media::{Film, FrameStatus, Recording};

/// One frame of 6 × 4 px under this four-character code.
fn film(path: &Path, compression: [u8; 4]) {
    let chunk = |id: &[u8; 4], body: &[u8]| [id.as_slice(), &u32::try_from(body.len()).expect("small").to_le_bytes(), body].concat();
    let mut strh = b"vids".to_vec();
    strh.resize(56, 0);
    let mut strf = vec![0; 40];
    strf[4] = 6;
    strf[8] = 4;
    strf[14] = 8;
    strf[16..20].copy_from_slice(&compression);
    let strl = [b"strl".to_vec(), chunk(b"strh", &strh), chunk(b"strf", &strf)].concat();
    let hdrl = [b"hdrl".to_vec(), chunk(b"avih", &[0; 56]), chunk(b"LIST", &strl)].concat();
    let movi = [b"movi".to_vec(), chunk(b"00dc", &[7; 24])].concat();
    let body = [b"AVI ".to_vec(), chunk(b"LIST", &hdrl), chunk(b"LIST", &movi)].concat();
    std::fs::write(path, chunk(b"RIFF", &body)).expect("write");
}

#[test]
fn a_compressed_film_says_what_is_missing_and_an_uncompressed_one_needs_nothing() {
    let folder: PathBuf = std::env::temp_dir().join(format!("calyx-no-ffmpeg-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (grey, ffv1) = (folder.join("grey.avi"), folder.join("ffv1.avi"));
    film(&grey, *b"GREY");
    film(&ffv1, *b"FFV1");
    // SAFETY: the only test of this program; no other thread reads the environment meanwhile.
    unsafe {
        std::env::set_var("PATH", "");
        std::env::remove_var("FFMPEG_BIN");
    }
    let error = Film::open(&ffv1).err().expect("no decoder");
    assert_eq!(error.code(), "media.ffmpeg_missing");
    assert!(error.to_string().contains("ffv1.avi"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("Install ffmpeg")));
    // SAFETY: as above.
    unsafe { std::env::set_var("FFMPEG_BIN", "/nonexistent/ffmpeg") };
    let error = Film::open(&ffv1).err().expect("no decoder");
    assert_eq!(error.code(), "media.ffmpeg_missing");
    assert!(error.to_string().contains("/nonexistent/ffmpeg"), "{error}");

    let recording = Arc::new(Recording::open(std::slice::from_ref(&grey)).expect("it opens"));
    let mut pixels = vec![0; 24];
    assert_eq!(recording.reader().read(0, &mut pixels).expect("it reads"), FrameStatus::Ok);
    assert_eq!(pixels, [7; 24]);
    let _ = std::fs::remove_dir_all(&folder);
}
