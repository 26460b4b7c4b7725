//! The run folder while it is made: every file is written under a temporary name beside its place, hashed; all are
//! synced at the end and the folder is renamed last. Whatever ends the run earlier, the temporary folder goes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use calyx_npy::{Dtype, Element, NpyError, RowWriter};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::types::StageError;

/// Frames (or buckets) that one bucket of the next level covers.
pub const PYRAMID_FACTOR: usize = 4;
/// Levels are made until one has no more buckets than this.
const PYRAMID_SMALLEST: usize = 64;

/// A finished file of the run folder as `run.json` lists it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileEntry {
    /// Path inside the run folder, with `/`.
    pub path: String,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Size.
    pub bytes: u64,
    /// NumPy's name of the element type, for arrays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtype: Option<&'static str>,
    /// Length of each axis, for arrays and sparse matrices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<usize>>,
}

/// A run folder that does not exist yet under its own name.
pub struct RunFolder {
    temporary: PathBuf,
    target: PathBuf,
    files: Vec<FileEntry>,
    /// Written, not yet known to be on the disk: path inside the folder and open file.
    unsynced: Vec<(String, File)>,
}

/// Syncs that wait for the disk side by side: a journal writes them in one go, a tenth of the time of one after another.
const SYNCS_AT_ONCE: usize = 8;

/// Hashes and counts what passes through.
struct Hashed<W> {
    inner: W,
    sha: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.sha.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// The temporary name beside `target`: `<name>.tmp-<process>`.
pub fn temporary_name(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".tmp-{}", std::process::id()));
    target.with_file_name(name)
}

/// Removes what engines that were killed left of earlier attempts at the same run.
fn remove_leftovers(target: &Path) {
    let prefix = format!("{}.tmp-", target.file_name().unwrap_or_default().to_string_lossy());
    let Some(parent) = target.parent() else { return };
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_string_lossy().strip_prefix(&prefix).and_then(|n| n.parse::<u32>().ok()) else {
            continue;
        };
        // Where the system does not list processes only this one's own number is certain.
        let gone = Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{process}")).exists();
        if gone || process == std::process::id() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl RunFolder {
    /// Makes the temporary folder for the run folder `target`, with its parents.
    ///
    /// # Errors
    /// `engine.bad_job` when the target exists, `disk.full` or `disk.io`.
    pub fn create(target: &Path) -> Result<Self, Failure> {
        if target.exists() {
            return Err(Failure::bad_job(format!("The run folder {} exists already.", target.display())));
        }
        let temporary = temporary_name(target);
        remove_leftovers(target);
        let folder = Self {
            temporary,
            target: target.to_owned(),
            files: Vec::new(),
            unsynced: Vec::new(),
        };
        let scratch = folder.scratch();
        std::fs::create_dir_all(&scratch).map_err(|error| Failure::from_io(&format!("making {}", scratch.display()), &error))?;
        Ok(folder)
    }

    /// A folder for files that are needed only while the engine runs.
    pub fn scratch(&self) -> PathBuf {
        self.temporary.join("scratch")
    }

    /// Where the folder lies until it is published.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// What has been written so far.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Writes an array.
    ///
    /// # Errors
    /// `disk.full`, `disk.io`.
    pub fn array<T: Element>(&mut self, path: &str, shape: &[usize], data: &[T]) -> Result<(), Failure> {
        self.file(path, Some((T::DTYPE, shape)), |out| calyx_npy::write_to(out, shape, data))
    }

    /// Writes a `K × columns` array of float32 from `K` rows that are made one at a time.
    ///
    /// # Errors
    /// `disk.full`, `disk.io`.
    pub fn rows<'a>(
        &mut self,
        path: &str,
        columns: usize,
        rows: impl ExactSizeIterator<Item = Result<std::borrow::Cow<'a, [f32]>, StageError>>,
    ) -> Result<(), Failure> {
        let mut unread = None;
        self.file(path, Some((Dtype::F32, &[rows.len(), columns])), |out| {
            let mut writer = RowWriter::<_, f32>::new(out, rows.len(), columns)?;
            for row in rows {
                match row {
                    Ok(row) => writer.push(&row)?,
                    Err(error) => {
                        unread = Some(error);
                        return Ok(());
                    }
                }
            }
            writer.finish().map(|_| ())
        })?;
        unread.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Writes bytes; `shape` is that of a matrix inside, if any.
    ///
    /// # Errors
    /// `disk.full`, `disk.io`.
    pub fn bytes(&mut self, path: &str, bytes: &[u8], shape: Option<(Dtype, &[usize])>) -> Result<(), Failure> {
        self.file(path, shape, |out| {
            out.write_all(bytes).map_err(|source| NpyError::Io {
                context: path.to_owned(),
                source,
            })
        })
    }

    /// Writes a value as indented JSON.
    ///
    /// # Errors
    /// `disk.full`, `disk.io`.
    pub fn json(&mut self, path: &str, value: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_vec_pretty(value).map_err(|error| Failure::new("engine.internal", format!("{path}: {error}"), ""))?;
        text.push(b'\n');
        self.bytes(path, &text, None)
    }

    fn file(
        &mut self,
        path: &str,
        array: Option<(Dtype, &[usize])>,
        fill: impl FnOnce(&mut dyn Write) -> Result<(), NpyError>,
    ) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::from_io(&format!("writing {path}"), &error);
        let place = self.temporary.join(path);
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let mut out = Hashed {
            inner: BufWriter::with_capacity(1 << 18, File::create(&place).map_err(failed)?),
            sha: Sha256::new(),
            bytes: 0,
        };
        fill(&mut out).map_err(|error| match error {
            NpyError::Io { source, .. } => failed(source),
            NpyError::Format(message) => Failure::new("engine.internal", format!("{path}: {message}"), ""),
        })?;
        out.flush().map_err(failed)?;
        let file = out.inner.into_inner().map_err(|error| failed(error.into_error()))?;
        self.unsynced.push((path.to_owned(), file));
        self.files.push(FileEntry {
            path: path.to_owned(),
            sha256: hex(&out.sha.finalize()),
            bytes: out.bytes,
            dtype: array.map(|(dtype, _)| dtype.name()),
            shape: array.map(|(_, shape)| shape.to_vec()),
        });
        Ok(())
    }

    /// Waits until every file is on the disk.
    fn sync_files(&mut self) -> Result<(), Failure> {
        let files = std::mem::take(&mut self.unsynced);
        let sync = |part: &[(String, File)]| {
            part.iter().try_for_each(|(path, file)| {
                file.sync_all()
                    .map_err(|error| Failure::from_io(&format!("writing {path}"), &error))
            })
        };
        std::thread::scope(|scope| {
            let parts = files.chunks(files.len().div_ceil(SYNCS_AT_ONCE).max(1));
            let waiting: Vec<_> = parts.map(|part| scope.spawn(move || sync(part))).collect();
            waiting
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }

    /// Gives the folder its name. `commit` is called just before the rename and may refuse it (the run was cancelled in the last moment).
    ///
    /// # Errors
    /// Those of `commit`, `disk.full`, `disk.io`; then nothing is left.
    pub fn publish(mut self, commit: impl FnOnce() -> Result<(), Failure>) -> Result<PathBuf, Failure> {
        let failed = |error: std::io::Error| Failure::from_io("finishing the run folder", &error);
        std::fs::remove_dir_all(self.scratch()).map_err(failed)?;
        let mut folders: Vec<PathBuf> = self
            .files
            .iter()
            .filter_map(|file| self.temporary.join(&file.path).parent().map(Path::to_owned))
            .collect();
        folders.push(self.temporary.clone());
        folders.sort();
        folders.dedup();
        self.sync_files()?;
        for folder in &folders {
            sync_folder(folder).map_err(failed)?;
        }
        commit()?;
        std::fs::rename(&self.temporary, &self.target).map_err(failed)?;
        if let Some(parent) = self.target.parent() {
            // The result is there; a parent that cannot be synced (some network disks) must not undo it.
            let _ = sync_folder(parent);
        }
        self.temporary = PathBuf::new();
        Ok(self.target.clone())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if !self.temporary.as_os_str().is_empty() {
            let _ = std::fs::remove_dir_all(&self.temporary);
        }
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Folders cannot be opened for syncing there; the file system's journal orders the rename.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Buckets in each level of the min/max pyramid of a trace of `frames` frames: level 1 covers four frames a bucket, level 2 sixteen, and so
/// on until a level has at most 64 buckets; none for traces that short.
pub fn pyramid_levels(frames: usize) -> Vec<usize> {
    let mut levels = Vec::new();
    let mut n = frames;
    while n > PYRAMID_SMALLEST {
        n = n.div_ceil(PYRAMID_FACTOR);
        levels.push(n);
    }
    levels
}

/// The pyramid of one trace: all buckets of level 1, then level 2 …, each as (minimum, maximum). Not-a-number frames are left out; a bucket
/// of nothing else is not-a-number.
pub fn pyramid(trace: &[f32]) -> Vec<f32> {
    let mut out: Vec<f32> = Vec::new();
    let mut below: Vec<(f32, f32)> = trace.iter().map(|v| (*v, *v)).collect();
    for _ in pyramid_levels(trace.len()) {
        below = below
            .chunks(PYRAMID_FACTOR)
            .map(|part| {
                part.iter()
                    .fold((f32::NAN, f32::NAN), |(low, high), (a, b)| (low.min(*a), high.max(*b)))
            })
            .collect();
        out.extend(below.iter().flat_map(|(low, high)| [*low, *high]));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("calyx-output-{}-{name}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            Self(folder)
        }

        fn names(&self) -> Vec<String> {
            let entries = std::fs::read_dir(&self.0).into_iter().flatten();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn fill(folder: &mut RunFolder) {
        folder.array("motion.npy", &[2, 2], &[1.0f32, 2.0, 3.0, 4.0]).unwrap();
        let rows = [vec![1.0f32, 2.0], vec![3.0, 4.0]];
        folder
            .rows("traces/raw.npy", 2, rows.iter().map(|r| Ok(Cow::Borrowed(r.as_slice()))))
            .unwrap();
        folder.json("run.json", &serde_json::json!({ "formatVersion": 1 })).unwrap();
        std::fs::write(folder.scratch().join("tiles"), b"x").unwrap();
    }

    #[test]
    fn a_published_folder_holds_the_listed_files_and_nothing_else() {
        let place = Place::new("published");
        let mut folder = RunFolder::create(&place.0.join("run")).unwrap();
        fill(&mut folder);
        assert_eq!(place.names().len(), 1);
        assert!(place.names()[0].starts_with("run.tmp-"));
        let files = folder.files().to_vec();
        let done = folder.publish(|| Ok(())).unwrap();
        assert_eq!(place.names(), ["run"]);
        assert!(!done.join("scratch").exists());
        for file in &files {
            let bytes = std::fs::read(done.join(&file.path)).unwrap();
            assert_eq!(
                (hex(&Sha256::digest(&bytes)), bytes.len() as u64),
                (file.sha256.clone(), file.bytes)
            );
        }
        assert_eq!((files[1].dtype, files[1].shape.clone()), (Some("float32"), Some(vec![2, 2])));
        assert_eq!(
            calyx_npy::read::<f32>(&done.join("traces/raw.npy")).unwrap().data,
            [1.0, 2.0, 3.0, 4.0]
        );
    }

    #[test]
    fn whatever_happens_before_the_rename_leaves_nothing() {
        let place = Place::new("dropped");
        let mut folder = RunFolder::create(&place.0.join("run")).unwrap();
        fill(&mut folder);
        drop(folder);
        assert!(place.names().is_empty());
        let mut folder = RunFolder::create(&place.0.join("run")).unwrap();
        fill(&mut folder);
        assert_eq!(folder.publish(|| Err(Failure::cancelled())).unwrap_err().code, "engine.cancelled");
        assert!(place.names().is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_killed_engine_left_is_removed_but_not_what_a_living_one_writes() {
        let place = Place::new("killed");
        // No process can have a number this high; number 1 always lives.
        for name in ["run.tmp-999999999", "run.tmp-1", "other.tmp-999999999", "run.tmp-notes"] {
            std::fs::create_dir_all(place.0.join(name)).unwrap();
        }
        let folder = RunFolder::create(&place.0.join("run")).unwrap();
        let mut names = place.names();
        names.sort();
        let own = folder.temporary().file_name().unwrap().to_string_lossy().into_owned();
        let mut wanted = vec![
            "other.tmp-999999999".to_owned(),
            "run.tmp-1".to_owned(),
            "run.tmp-notes".to_owned(),
            own,
        ];
        wanted.sort();
        assert_eq!(names, wanted);
    }

    #[test]
    fn a_run_folder_is_never_overwritten() {
        let place = Place::new("twice");
        std::fs::create_dir_all(place.0.join("run")).unwrap();
        assert_eq!(RunFolder::create(&place.0.join("run")).err().unwrap().code, "engine.bad_job");
    }

    #[test]
    fn the_pyramid_keeps_every_peak() {
        let mut trace = vec![0.0f32; 1000];
        trace[777] = 9.0;
        trace[5] = -3.0;
        trace[6] = f32::NAN;
        let levels = pyramid_levels(trace.len());
        assert_eq!(levels, [250, 63]);
        let pairs = pyramid(&trace);
        assert_eq!(pairs.len(), 2 * (250 + 63));
        assert_eq!((pairs[2 * (777 / 4) + 1], pairs[2 * (250 + 777 / 16) + 1]), (9.0, 9.0));
        assert_eq!((pairs[2], pairs[2 * 250], pairs[3]), (-3.0, -3.0, 0.0));
        assert!(pyramid(&[f32::NAN; 65])[0].is_nan());
        assert!(pyramid_levels(64).is_empty());
    }
}
