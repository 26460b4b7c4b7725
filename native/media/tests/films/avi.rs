//! AVI files as they are found: bitmaps, several lists, damaged bytes, heads that lie, a crash in the middle of a frame.

use std::sync::Arc;

use calyx_media::{Film, FrameStatus, Recording};

use crate::{FFV1_12, Folder, RAW, numbers};

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend_from_slice(&u32::try_from(body.len()).expect("small").to_le_bytes());
    bytes.extend_from_slice(body);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

/// Header list of an AVI of `width` × `height` with this compression and 8 bits; a positive height means bottom-up.
fn header(width: u32, height: i32, compression: [u8; 4], frames: u32) -> Vec<u8> {
    let mut avih = vec![0; 56];
    avih[16..20].copy_from_slice(&frames.to_le_bytes());
    let mut strh = b"vids".to_vec();
    strh.resize(56, 0);
    strh[20..24].copy_from_slice(&1u32.to_le_bytes());
    strh[24..28].copy_from_slice(&20u32.to_le_bytes());
    let mut strf = vec![0; 40];
    strf[4..8].copy_from_slice(&width.to_le_bytes());
    strf[8..12].copy_from_slice(&height.to_le_bytes());
    strf[14..16].copy_from_slice(&8u16.to_le_bytes());
    strf[16..20].copy_from_slice(&compression);
    let strl = [b"strl".to_vec(), chunk(b"strh", &strh), chunk(b"strf", &strf)].concat();
    chunk(b"LIST", &[b"hdrl".to_vec(), chunk(b"avih", &avih), chunk(b"LIST", &strl)].concat())
}

#[test]
fn bottom_up_bitmaps_with_padded_rows() {
    let folder = Folder::new("dib");
    let (width, height) = (5usize, 3usize);
    let movi: Vec<u8> = (0u8..4)
        .flat_map(|frame| {
            let rows = (0..height)
                .rev()
                .flat_map(|y| (0..8).map(move |x| if x < width { (y * 10 + x) as u8 + frame * 50 } else { 255 }));
            chunk(b"00db", &rows.collect::<Vec<u8>>())
        })
        .collect();
    let body = [
        b"AVI ".to_vec(),
        header(5, 3, [0; 4], 4),
        chunk(b"LIST", &[b"movi".to_vec(), movi].concat()),
    ]
    .concat();
    let path = folder.0.join("dib.avi");
    std::fs::write(&path, chunk(b"RIFF", &body)).expect("write");
    let recording = Arc::new(Recording::open(&[path]).expect("it opens"));
    assert_eq!((recording.frames(), recording.width(), recording.height()), (4, 5, 3));
    let mut pixels = vec![0; width * height];
    recording.reader().read(3, &mut pixels).expect("it reads");
    assert_eq!(pixels, [150, 151, 152, 153, 154, 160, 161, 162, 163, 164, 170, 171, 172, 173, 174]);
}

#[test]
fn films_longer_than_one_riff_list() {
    let folder = Folder::new("opendml");
    let grey = |number: u8| chunk(b"00dc", &[number; 24]);
    let part = |kind: &[u8; 4], before: Vec<u8>, numbers: std::ops::Range<u8>| {
        let index = chunk(b"ix00", &[0; 24]);
        let frames: Vec<u8> = numbers.flat_map(grey).collect();
        chunk(
            b"RIFF",
            &[kind.to_vec(), before, chunk(b"LIST", &[b"movi".to_vec(), frames, index].concat())].concat(),
        )
    };
    let bytes = [
        part(b"AVI ", header(6, -4, *b"GREY", 3), 0..3),
        part(b"AVIX", Vec::new(), 3..7),
        part(b"AVIX", Vec::new(), 7..9),
    ]
    .concat();
    let path = folder.0.join("long.avi");
    std::fs::write(&path, &bytes).expect("write");
    let recording = Arc::new(Recording::open(&[path]).expect("it opens"));
    assert_eq!(recording.frames(), 9);
    let mut reader = recording.reader();
    let mut pixels = vec![0; 24];
    for frame in [8, 0, 3, 2, 7, 6] {
        reader.read(frame, &mut pixels).expect("it reads");
        assert_eq!(pixels, [u8::try_from(frame).expect("small"); 24]);
    }
}

#[test]
fn frames_after_damaged_bytes_are_found_again() {
    let folder = Folder::new("damage");
    let grey = |number: u8| chunk(b"00dc", &[number; 24]);
    let frames = [grey(1), grey(2), vec![0xEE; 37], grey(3), grey(4)].concat();
    let body = [
        b"AVI ".to_vec(),
        header(6, -4, *b"Y800", 5),
        chunk(b"LIST", &[b"movi".to_vec(), frames].concat()),
    ]
    .concat();
    let path = folder.0.join("damage.avi");
    std::fs::write(&path, chunk(b"RIFF", &body)).expect("write");
    let film = Film::open(&path).expect("it opens");
    assert_eq!(film.frames(), 4);
    let finding = film
        .findings()
        .iter()
        .find(|finding| finding.code == "media.damaged")
        .expect("it is said");
    assert!(finding.message.contains("37 bytes"), "{}", finding.message);
}

#[test]
fn a_frame_shorter_than_the_others_shows_the_one_before_it() {
    let folder = Folder::new("short");
    let frames = [chunk(b"00dc", &[1; 24]), chunk(b"00dc", &[2; 10]), chunk(b"00dc", &[3; 24])].concat();
    let body = [
        b"AVI ".to_vec(),
        header(6, -4, *b"GREY", 3),
        chunk(b"LIST", &[b"movi".to_vec(), frames].concat()),
    ]
    .concat();
    let path = folder.0.join("short.avi");
    std::fs::write(&path, chunk(b"RIFF", &body)).expect("write");
    let recording = Arc::new(Recording::open(&[path]).expect("it opens"));
    let mut pixels = vec![9; 24];
    assert_eq!(recording.reader().read(1, &mut pixels).expect("it reads"), FrameStatus::Unreadable);
    assert_eq!(pixels, [1; 24]);
}

#[test]
fn a_file_cut_in_its_last_frame_opens_up_to_the_last_whole_one() {
    let folder = Folder::new("cut");
    let path = folder.film("0.avi", 0, 40, FFV1_12);
    let whole = std::fs::read(&path).expect("read");
    let movi = whole.windows(4).position(|part| part == b"movi").expect("a movi list");
    // Offsets of the 40 packets, by walking; cut 7 bytes into the last one, and unset the sizes as a crash leaves them.
    let mut at = movi + 4;
    let mut starts = Vec::new();
    while &whole[at..at + 4] == b"00dc" {
        starts.push(at);
        let size = u32::from_le_bytes(whole[at + 4..at + 8].try_into().expect("4 bytes")) as usize;
        at += 8 + size + size % 2;
    }
    assert_eq!(starts.len(), 40);
    let mut cut = whole[..starts[39] + 8 + 7].to_vec();
    cut[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    cut[movi - 4..movi].copy_from_slice(&0u32.to_le_bytes());
    std::fs::write(&path, cut).expect("write");
    let film = Film::open(&path).expect("it opens");
    assert_eq!(film.frames(), 39);
    let finding = film
        .findings()
        .iter()
        .find(|finding| finding.code == "media.truncated")
        .expect("it is said");
    assert!(finding.message.contains("39 frames"), "{}", finding.message);
    let recording = Recording::open(&[path]).expect("it opens");
    assert_eq!(numbers(&recording, 0..39).last(), Some(&(38, 38)));
}

#[test]
fn a_header_that_lies_about_the_count_is_found_out() {
    let folder = Folder::new("lie");
    let path = folder.film("0.avi", 0, 30, RAW);
    let mut bytes = std::fs::read(&path).expect("read");
    let avih = bytes.windows(4).position(|part| part == b"avih").expect("a header");
    bytes[avih + 8 + 16..avih + 8 + 20].copy_from_slice(&200u32.to_le_bytes());
    std::fs::write(&path, bytes).expect("write");
    let film = Film::open(&path).expect("it opens");
    assert_eq!(film.frames(), 30);
    assert!(
        film.findings()
            .iter()
            .any(|finding| finding.code == "media.count_differs" && finding.message.contains("200"))
    );
}
