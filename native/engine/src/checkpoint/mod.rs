//! Results of stages kept between runs: a run that was killed goes on after its last whole stage, and a run that differs in a late parameter only
//! starts there. A checkpoint is a folder named by its stage key; it is written under a temporary name, synced and renamed, and everything in it is
//! checked against its length and digest before it is used.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::progress::Reporter;
use crate::read::TILES;
use crate::types::{Registered, StageError};

pub mod films;
pub mod key;
#[cfg(test)]
mod sources;

/// The file that lists the others; written last.
const MANIFEST: &str = "checkpoint.json";
/// What serde keeps of the stage's result.
const STATE: &str = "state.bin";
/// Bytes of text that a stage's result may hold.
const MOST_TEXT: u64 = 64 << 20;
/// Version of the folder's form.
const FORMAT_VERSION: u32 = 1;
/// Temporary folders are named so, with the number of the process.
const TEMPORARY: &str = "tmp-";
/// A process that uses a checkpoint marks it so, with its number.
const USED: &str = "in-use-";

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    format_version: u32,
    stage: String,
    key: String,
    files: Vec<Kept>,
}

#[derive(Deserialize, PartialEq, Serialize)]
struct Kept {
    path: String,
    bytes: u64,
    /// XXH3, 128 bit, hexadecimal: it guards against damage, not against malice.
    xxh3: String,
}

/// The checkpoints below one folder, as one run of the engine uses them.
pub struct Store<'a> {
    root: PathBuf,
    temporary: PathBuf,
    reporter: &'a Reporter,
    marks: std::sync::Mutex<Vec<PathBuf>>,
}

/// Folder of everything unfinished of this process below `root`.
pub fn temporary_folder(root: &Path) -> PathBuf {
    root.join(format!("{TEMPORARY}{}", std::process::id()))
}

/// True when a checkpoint of this key lies below `root`; it may still turn out damaged.
pub fn is_kept(root: &Path, key: &str) -> bool {
    root.join(key).join(MANIFEST).is_file()
}

impl<'a> Store<'a> {
    /// The checkpoints below `root`, which is made; what engines that were killed left unfinished there is removed.
    ///
    /// # Errors
    /// [`StageError::Io`] when the folder cannot be made.
    pub fn open(root: &Path, reporter: &'a Reporter) -> Result<Self, StageError> {
        let temporary = temporary_folder(root);
        std::fs::create_dir_all(&temporary).map_err(|source| StageError::Io {
            context: format!("making the cache folder {}", temporary.display()),
            source,
        })?;
        for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let process = name.strip_prefix(TEMPORARY).and_then(|n| n.parse::<u32>().ok());
            if process.is_some_and(has_ended) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        Ok(Self {
            root: root.to_owned(),
            temporary,
            reporter,
            marks: std::sync::Mutex::default(),
        })
    }

    /// Where a stage may keep large files that become part of its checkpoint.
    pub fn scratch(&self) -> &Path {
        &self.temporary
    }

    /// True when a checkpoint of this key lies there; it may still turn out damaged.
    pub fn has(&self, key: &str) -> bool {
        is_kept(&self.root, key)
    }

    /// The result kept under `key`, with the folder it lies in; `None` where there is none. A damaged one is told of, removed and not used.
    pub fn load<T: DeserializeOwned>(&self, stage: &str, key: &str) -> Option<(T, PathBuf)> {
        let folder = self.root.join(key);
        if !self.has(key) {
            return None;
        }
        self.mark(&folder);
        match read(&folder, stage, key) {
            Ok(value) => Some((value, folder)),
            Err(why) => {
                self.damaged(stage, key, &why);
                None
            }
        }
    }

    /// Tells that a checkpoint cannot be used, and removes it.
    pub fn damaged(&self, stage: &str, key: &str, why: &str) {
        let message = format!("The kept result of the stage {stage} is damaged ({why}); the stage runs again.");
        self.reporter.warning("cache.damaged", &message);
        let _ = std::fs::remove_dir_all(self.root.join(key));
    }

    /// Keeps a stage's result, with files of it that lie in [`Store::scratch`] already; returns the folder. A result that cannot be kept (a full disk) is
    /// told of and costs nothing but its checkpoint.
    pub fn save<T: Serialize>(&self, stage: &str, key: &str, value: &T, files: &[&str]) -> Option<PathBuf> {
        match self.write(stage, key, value, files) {
            Ok(folder) => Some(folder),
            Err(error) => {
                let message = format!("The result of the stage {stage} could not be kept ({error}); the run goes on without.");
                self.reporter.warning("cache.not_kept", &message);
                None
            }
        }
    }

    fn write<T: Serialize>(&self, stage: &str, key: &str, value: &T, files: &[&str]) -> Result<PathBuf, String> {
        let text = |error: std::io::Error| error.to_string();
        let (folder, target) = (self.temporary.join(key), self.root.join(key));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).map_err(text)?;
        let mut kept = vec![write_state(&folder.join(STATE), value)?];
        for name in files {
            kept.push(look(&self.temporary.join(name), name).map_err(text)?);
            std::fs::rename(self.temporary.join(name), folder.join(name)).map_err(text)?;
        }
        let manifest = Manifest {
            format_version: FORMAT_VERSION,
            stage: stage.to_owned(),
            key: key.to_owned(),
            files: kept,
        };
        let json = serde_json::to_vec_pretty(&manifest).map_err(|error| error.to_string())?;
        let mut file = File::create(folder.join(MANIFEST)).map_err(text)?;
        file.write_all(&json).and_then(|()| file.sync_all()).map_err(text)?;
        sync_folder(&folder);
        if !self.has(key) {
            // Without its manifest it is no checkpoint.
            let _ = std::fs::remove_dir_all(&target);
            std::fs::rename(&folder, &target).map_err(text)?;
            sync_folder(&self.root);
        }
        self.mark(&target);
        Ok(target)
    }

    /// Says that this process uses a checkpoint now: it counts as used last, and is not removed while the process lives.
    fn mark(&self, folder: &Path) {
        if let Ok(file) = File::options().append(true).open(folder.join(MANIFEST)) {
            let _ = file.set_modified(SystemTime::now());
        }
        let mark = folder.join(format!("{USED}{}", std::process::id()));
        if File::create(&mark).is_ok() {
            self.marks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(mark);
        }
    }
}

impl Drop for Store<'_> {
    fn drop(&mut self) {
        for mark in self.marks.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).drain(..) {
            let _ = std::fs::remove_file(mark);
        }
        let _ = std::fs::remove_dir_all(&self.temporary);
    }
}

/// Keeps the registered film; afterwards it lies in the checkpoint (or stays in memory, where it was).
///
/// # Errors
/// [`StageError::Io`] when the film cannot be read where it has been put.
pub fn save_film(store: &Store<'_>, key: &str, film: &mut Registered) -> Result<(), StageError> {
    let place = store.scratch().join(TILES);
    let in_memory = film.cache.in_file().is_none();
    if let Err(error) = film.cache.save(&place) {
        let message = format!("The registered film could not be kept ({error}); the run goes on without.");
        store.reporter.warning("cache.not_kept", &message);
        return Ok(());
    }
    if let Some(folder) = store.save("motion", key, film, &[TILES])
        && !in_memory
    {
        film.cache.open(&folder.join(TILES), false)?;
    }
    Ok(())
}

/// The kept registered film, its frames in memory when they take at most `memory_bytes`.
pub fn load_film(store: &Store<'_>, key: &str, memory_bytes: u64) -> Option<Registered> {
    let (mut film, folder): (Registered, _) = store.load("motion", key)?;
    let bytes = (film.cache.frames() * film.grid.height * film.grid.width) as u64;
    match film.cache.open(&folder.join(TILES), bytes <= memory_bytes) {
        Ok(()) => Some(film),
        Err(error) => {
            store.damaged("motion", key, &error.to_string());
            None
        }
    }
}

fn read<T: DeserializeOwned>(folder: &Path, stage: &str, key: &str) -> Result<T, String> {
    let text = std::fs::read(folder.join(MANIFEST)).map_err(|error| error.to_string())?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| format!("{MANIFEST}: {error}"))?;
    if (manifest.format_version, manifest.stage.as_str(), manifest.key.as_str()) != (FORMAT_VERSION, stage, key) {
        return Err(format!("{MANIFEST} belongs to another checkpoint"));
    }
    for kept in &manifest.files {
        let found = look(&folder.join(&kept.path), &kept.path).map_err(|error| format!("{}: {error}", kept.path))?;
        if found.bytes != kept.bytes {
            return Err(format!("{} has {} bytes instead of {}", kept.path, found.bytes, kept.bytes));
        }
        if found != *kept {
            return Err(format!("{} has changed", kept.path));
        }
    }
    let file = File::open(folder.join(STATE)).map_err(|error| error.to_string())?;
    // Texts are laid down here while the value is built; what stays unused costs nothing.
    let mut buffer = vec![0u8; manifest.files.first().map_or(0, |kept| kept.bytes.min(MOST_TEXT)) as usize];
    let reader = BufReader::with_capacity(1 << 18, file);
    let (value, _) = postcard::from_io((reader, &mut buffer)).map_err(|error| format!("{STATE}: {error}"))?;
    Ok(value)
}

/// Passes bytes on and digests them.
struct Digesting<W> {
    inner: W,
    hash: Xxh3,
    bytes: u64,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.hash.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

fn write_state<T: Serialize>(path: &Path, value: &T) -> Result<Kept, String> {
    let file = File::create(path).map_err(|error| error.to_string())?;
    let digesting = Digesting {
        inner: file,
        hash: Xxh3::new(),
        bytes: 0,
    };
    // The small pieces that serde writes are gathered before they are digested.
    let mut out = postcard::to_io(value, BufWriter::with_capacity(1 << 18, digesting)).map_err(|error| error.to_string())?;
    out.flush().map_err(|error| error.to_string())?;
    let done = out.into_inner().map_err(|error| error.to_string())?;
    done.inner.sync_all().map_err(|error| error.to_string())?;
    Ok(Kept {
        path: STATE.to_owned(),
        bytes: done.bytes,
        xxh3: format!("{:032x}", done.hash.digest128()),
    })
}

/// Length and digest of a file.
fn look(path: &Path, name: &str) -> std::io::Result<Kept> {
    let mut file = File::open(path)?;
    let (mut hash, mut bytes) = (Xxh3::new(), 0u64);
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
        bytes += n as u64;
    }
    Ok(Kept {
        path: name.to_owned(),
        bytes,
        xxh3: format!("{:032x}", hash.digest128()),
    })
}

/// Makes names inside a folder last; where folders cannot be synced, the system does it by itself.
fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// True when a process of this number is certain to have ended; where the system does not list processes nothing is certain.
fn has_ended(process: u32) -> bool {
    process != std::process::id() && Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{process}")).exists()
}

#[cfg(test)]
mod tests;
