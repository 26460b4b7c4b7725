//! What is known of films that were decoded before: the digest of their pixels, kept per path, size, time of change and a digest of head and tail, so
//! that a film need not be decoded to be recognised.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::key::Pixels;
use crate::output::hex;
use crate::types::RecordingInput;

/// Bytes at a film's head and at its tail that are looked at.
const END_BYTES: u64 = 256 << 10;

/// What decoding a recording told.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// Its pixels.
    #[serde(flatten)]
    pub pixels: Pixels,
    /// Height and width of its frames, px.
    pub size: [usize; 2],
    /// The neurons' diameter as it was measured in the run that decoded it, raw px; `None` where it was given.
    pub measured_diameter_px: Option<f32>,
}

/// The records, one small file a recording and range.
pub struct KnownFilms {
    folder: PathBuf,
}

impl KnownFilms {
    /// Records below `cache`.
    pub fn new(cache: &Path) -> Self {
        Self {
            folder: cache.join("films"),
        }
    }

    /// What the files and the range of a recording look like now; `None` where a file cannot be read.
    pub fn look(input: &RecordingInput) -> Option<String> {
        let films: Vec<Value> = input.films.iter().map(|path| look(path).ok()).collect::<Option<_>>()?;
        let text = json!({ "films": films, "first": input.first_frame, "last": input.last_frame }).to_string();
        Some(hex(&Sha256::digest(text)))
    }

    /// What was found in films that look like this, if they were decoded before.
    pub fn get(&self, look: &str) -> Option<Known> {
        let text = std::fs::read(self.place(look)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Keeps what decoding told; what cannot be kept is not missed.
    pub fn keep(&self, look: &str, known: &Known) {
        let place = self.place(look);
        let temporary = place.with_extension(format!("tmp-{}", std::process::id()));
        let written = std::fs::create_dir_all(&self.folder)
            .and_then(|()| std::fs::write(&temporary, serde_json::to_vec(known)?))
            .and_then(|()| std::fs::rename(&temporary, &place));
        if written.is_err() {
            let _ = std::fs::remove_file(temporary);
        }
    }

    fn place(&self, look: &str) -> PathBuf {
        self.folder.join(format!("{look}.json"))
    }
}

fn look(path: &Path) -> std::io::Result<Value> {
    let mut file = File::open(path)?;
    let about = file.metadata()?;
    let changed = about.modified()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let mut ends = Sha256::new();
    let mut part = Vec::new();
    for start in [0, about.len().saturating_sub(END_BYTES)] {
        part.clear();
        file.seek(SeekFrom::Start(start))?;
        (&mut file).take(END_BYTES).read_to_end(&mut part)?;
        ends.update(&part);
    }
    let path = std::path::absolute(path)?;
    Ok(json!({
        "path": path.to_string_lossy(), "bytes": about.len(), "changedNs": changed.to_string(), "endsSha256": hex(&ends.finalize()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_is_known_until_it_changes() {
        let folder = std::env::temp_dir().join(format!("calyx-films-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let film = folder.join("0.avi");
        std::fs::write(&film, vec![1u8; 600_000]).unwrap();
        let mut input = RecordingInput {
            films: vec![film.clone()],
            time_s: vec![],
            fps: 20.0,
            first_frame: 0,
            last_frame: None,
        };
        let known = KnownFilms::new(&folder);
        let found = Known {
            pixels: Pixels {
                sha256: "ab".to_owned(),
                frames: 7,
                unreadable: 1,
            },
            size: [40, 60],
            measured_diameter_px: Some(6.6),
        };
        let before = KnownFilms::look(&input).unwrap();
        assert_eq!(known.get(&before), None);
        known.keep(&before, &found);
        assert_eq!(known.get(&KnownFilms::look(&input).unwrap()), Some(found));
        input.last_frame = Some(3);
        assert_eq!(known.get(&KnownFilms::look(&input).unwrap()), None);
        input.last_frame = None;
        // The same length and time of change, another end.
        let changed = std::fs::metadata(&film).unwrap().modified().unwrap();
        let mut bytes = vec![1u8; 600_000];
        bytes[599_999] = 2;
        std::fs::write(&film, bytes).unwrap();
        File::options().write(true).open(&film).unwrap().set_modified(changed).unwrap();
        assert_eq!(known.get(&KnownFilms::look(&input).unwrap()), None);
        std::fs::remove_file(&film).unwrap();
        assert_eq!(KnownFilms::look(&input), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
