//! Where traces lie. A recording's traces are `K × T` numbers, several times over; they must not make memory grow with the recording. So stages hold
//! [`Trace`]s, which a [`Shelf`] keeps in memory as long as few bytes are taken and in one scratch file beyond that. Where a trace lies never shows
//! in what is computed with it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::disk::{read_exact_at, write_all_at};
use crate::movie::Groups;
use crate::types::StageError;

/// The file's name in the scratch folder.
const FILE: &str = "traces.bin";
/// Share of a run's memory that traces may take.
pub const SHARE: u64 = 8;
/// Values that are turned into bytes, or back, at a time.
const PIECE: usize = 4096;

/// Keeps traces, in memory up to a limit and in a file beyond.
#[derive(Clone)]
pub struct Shelf(Arc<Inner>);

struct Inner {
    /// Bytes that may be held in memory.
    limit: u64,
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: u64,
    file: Option<Arc<File>>,
    /// End of the file.
    end: u64,
    /// Places that are free again, by their length.
    free: BTreeMap<usize, Vec<u64>>,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, doing: &str, source: std::io::Error) -> StageError {
        StageError::Io {
            context: format!("{doing} the traces in {}", self.folder.join(FILE).display()),
            source,
        }
    }
}

impl Shelf {
    /// Holds up to `limit` bytes in memory; the file of the others lies in `folder` (which exists, and is its own) and is made when the first one comes.
    pub fn new(folder: &Path, limit: u64) -> Self {
        Self(Arc::new(Inner {
            limit,
            folder: folder.to_owned(),
            state: Mutex::default(),
        }))
    }

    /// Holds everything in memory: for films known to be short.
    pub fn in_memory() -> &'static Self {
        static ALL: LazyLock<Shelf> = LazyLock::new(|| Shelf::new(Path::new(""), u64::MAX));
        &ALL
    }

    /// Keeps a trace.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, values: Vec<f32>) -> Result<Trace, StageError> {
        let bytes = size_of_val(values.as_slice()) as u64;
        if self.take(bytes) {
            return Ok(Trace(Kept::Held(values, Some((self.clone(), bytes)))));
        }
        let trace = self.place(values.len())?;
        trace.write(0, &values)?;
        Ok(trace)
    }

    /// A trace of zeros, to be filled part by part ([`Trace::set`]).
    ///
    /// # Errors
    /// As [`Shelf::keep`].
    pub fn blank(&self, length: usize) -> Result<Trace, StageError> {
        self.keep(vec![0.0; length])
    }

    /// Keeps all traces that are made while `work` loads something that was stored.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = LOADING.with_borrow_mut(|now| now.replace(self.clone()));
        let done = work();
        LOADING.set(before);
        done
    }

    /// Bytes the file has taken at most.
    pub fn file_bytes(&self) -> u64 {
        self.0.state().end
    }

    /// Counts bytes as held if they fit.
    fn take(&self, bytes: u64) -> bool {
        let mut state = self.0.state();
        let fits = state.held.saturating_add(bytes) <= self.0.limit;
        if fits {
            state.held += bytes;
        }
        fits
    }

    /// A place in the file.
    fn place(&self, length: usize) -> Result<Trace, StageError> {
        let mut state = self.0.state();
        let file = match &state.file {
            Some(file) => Arc::clone(file),
            None => {
                let made = File::options()
                    .read(true)
                    .write(true)
                    // Two shelves in one folder would write over each other.
                    .create_new(true)
                    .open(self.0.folder.join(FILE))
                    .map_err(|source| self.0.failed("making", source))?;
                Arc::clone(state.file.insert(Arc::new(made)))
            }
        };
        let offset = match state.free.get_mut(&length).and_then(Vec::pop) {
            Some(offset) => offset,
            None => {
                let offset = state.end;
                state.end += (length * size_of::<f32>()) as u64;
                offset
            }
        };
        Ok(Trace(Kept::Filed(Slot {
            shelf: self.clone(),
            file,
            offset,
            length,
        })))
    }
}

thread_local! {
    /// The shelf of traces that are being loaded.
    static LOADING: RefCell<Option<Shelf>> = const { RefCell::new(None) };
}

/// A trace that lies on a [`Shelf`].
pub struct Trace(Kept);

enum Kept {
    /// In memory, with what its shelf counts it as.
    Held(Vec<f32>, Option<(Shelf, u64)>),
    Filed(Slot),
}

/// A place in a shelf's file; free again when it is dropped.
struct Slot {
    shelf: Shelf,
    file: Arc<File>,
    offset: u64,
    length: usize,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shelf.0.state().free.entry(self.length).or_default().push(self.offset);
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if let Kept::Held(_, Some((shelf, bytes))) = &self.0 {
            shelf.0.state().held -= bytes;
        }
    }
}

/// Without samples.
impl Default for Trace {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl From<Vec<f32>> for Trace {
    /// In memory, counted nowhere.
    fn from(values: Vec<f32>) -> Self {
        Self(Kept::Held(values, None))
    }
}

impl Trace {
    /// Its samples; the place it had is free.
    ///
    /// # Errors
    /// As [`Trace::all`].
    pub fn into_values(mut self) -> Result<Vec<f32>, StageError> {
        match &mut self.0 {
            // What its shelf counts is taken off when it is dropped.
            Kept::Held(values, _) => Ok(std::mem::take(values)),
            Kept::Filed(_) => Ok(self.all()?.into_owned()),
        }
    }

    /// Samples.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kept::Held(values, _) => values.len(),
            Kept::Filed(slot) => slot.length,
        }
    }

    /// True without samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole trace.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn all(&self) -> Result<Cow<'_, [f32]>, StageError> {
        self.part(0..self.len())
    }

    /// Some samples.
    ///
    /// # Errors
    /// As [`Trace::all`].
    ///
    /// # Panics
    /// When the range leaves the trace.
    pub fn part(&self, range: Range<usize>) -> Result<Cow<'_, [f32]>, StageError> {
        match &self.0 {
            Kept::Held(values, _) => Ok(Cow::Borrowed(&values[range])),
            Kept::Filed(slot) => {
                assert!(range.start <= range.end && range.end <= slot.length, "{range:?} leaves the trace");
                let mut out = Vec::with_capacity(range.len());
                let mut bytes = [0u8; PIECE * size_of::<f32>()];
                for first in range.clone().step_by(PIECE) {
                    let n = PIECE.min(range.end - first);
                    let bytes = &mut bytes[..n * size_of::<f32>()];
                    read_exact_at(&slot.file, bytes, slot.offset + (first * size_of::<f32>()) as u64)
                        .map_err(|source| slot.shelf.0.failed("reading", source))?;
                    out.extend(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)));
                }
                Ok(Cow::Owned(out))
            }
        }
    }

    /// Replaces samples from `first` on.
    ///
    /// # Errors
    /// The file cannot be written.
    ///
    /// # Panics
    /// When they leave the trace.
    pub fn set(&mut self, first: usize, values: &[f32]) -> Result<(), StageError> {
        if let Kept::Held(all, _) = &mut self.0 {
            all[first..first + values.len()].copy_from_slice(values);
            return Ok(());
        }
        self.write(first, values)
    }

    fn write(&self, first: usize, values: &[f32]) -> Result<(), StageError> {
        let Kept::Filed(slot) = &self.0 else { return Ok(()) };
        assert!(
            first + values.len() <= slot.length,
            "{} samples from {first} leave the trace",
            values.len()
        );
        let mut bytes = [0u8; PIECE * size_of::<f32>()];
        for (i, some) in values.chunks(PIECE).enumerate() {
            let bytes = &mut bytes[..size_of_val(some)];
            bytes.as_chunks_mut().0.iter_mut().zip(some).for_each(|(b, v)| *b = v.to_le_bytes());
            write_all_at(&slot.file, bytes, slot.offset + ((first + i * PIECE) * size_of::<f32>()) as u64)
                .map_err(|source| slot.shelf.0.failed("writing", source))?;
        }
        Ok(())
    }

    /// The trace averaged over groups of frames; no more of it is read than lies between the first and the last of them.
    ///
    /// # Errors
    /// As [`Trace::all`].
    pub fn average(&self, groups: &Groups) -> Result<Vec<f32>, StageError> {
        let Some(range) = groups.range() else { return Ok(Vec::new()) };
        Ok(groups.average_from(range.start, &self.part(range)?))
    }
}

impl PartialEq for Trace {
    /// The same samples; traces that cannot be read equal none.
    fn eq(&self, other: &Self) -> bool {
        matches!((self.all(), other.all()), (Ok(a), Ok(b)) if a == b)
    }
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Trace").field(&self.all().ok()).finish()
    }
}

/// Stored like a list of numbers, wherever it lies.
impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_seq(Some(self.len()))?;
        for first in (0..self.len()).step_by(PIECE) {
            let some = self
                .part(first..(first + PIECE).min(self.len()))
                .map_err(serde::ser::Error::custom)?;
            some.iter().try_for_each(|v| out.serialize_element(v))?;
        }
        out.end()
    }
}

/// Goes to the shelf that is loading ([`Shelf::during`]), else to memory.
impl<'de> Deserialize<'de> for Trace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Samples;
        impl<'de> Visitor<'de> for Samples {
            type Value = Vec<f32>;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("the samples of a trace")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut samples: A) -> Result<Self::Value, A::Error> {
                let mut out = Vec::with_capacity(samples.size_hint().unwrap_or(0).min(PIECE));
                while let Some(v) = samples.next_element()? {
                    out.push(v);
                }
                Ok(out)
            }
        }
        let values = deserializer.deserialize_seq(Samples)?;
        match LOADING.with_borrow(Clone::clone) {
            Some(shelf) => shelf.keep(values).map_err(serde::de::Error::custom),
            None => Ok(values.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("calyx-shelf-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn samples(n: usize, seed: u32) -> Vec<f32> {
        (0..n as u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) ^ seed) as f32 * 1e-3)
            .collect()
    }

    #[test]
    fn a_trace_is_the_same_in_memory_and_in_the_file() {
        let folder = Folder::new("same");
        let n = 3 * PIECE + 17;
        let shelf = Shelf::new(&folder.0, 4 * n as u64);
        let (held, mut filed) = (shelf.keep(samples(n, 1)).unwrap(), shelf.keep(samples(n, 1)).unwrap());
        assert!(matches!(held.0, Kept::Held(..)) && matches!(filed.0, Kept::Filed(_)));
        assert_eq!(held, filed);
        assert_eq!(filed.part(5..PIECE + 9).unwrap(), &samples(n, 1)[5..PIECE + 9]);
        filed.set(PIECE - 2, &[7.0, 8.0, 9.0]).unwrap();
        assert_eq!(
            *filed.part(PIECE - 3..PIECE + 2).unwrap(),
            [samples(n, 1)[PIECE - 3], 7.0, 8.0, 9.0, samples(n, 1)[PIECE + 1]]
        );
        assert_ne!(held, filed);
        let groups = Groups::valid(&vec![0; n], 3).select(&[4, 5, 900]);
        assert_eq!(held.average(&groups).unwrap(), groups.average(&samples(n, 1)));
        filed.set(PIECE - 2, &samples(n, 1)[PIECE - 2..=PIECE]).unwrap();
        assert_eq!(filed.average(&groups).unwrap(), groups.average(&samples(n, 1)));
    }

    #[test]
    fn places_of_dropped_traces_are_used_again_and_memory_is_counted() {
        let folder = Folder::new("again");
        let shelf = Shelf::new(&folder.0, 400);
        let first = shelf.keep(samples(100, 1)).unwrap();
        let second = shelf.keep(samples(100, 2)).unwrap();
        drop(second);
        let third = shelf.keep(samples(100, 3)).unwrap();
        assert_eq!(shelf.file_bytes(), 400);
        assert_eq!(*third.all().unwrap(), samples(100, 3)[..]);
        drop(first);
        assert!(matches!(shelf.keep(samples(100, 4)).unwrap().0, Kept::Held(..)));
        assert_eq!(std::fs::metadata(folder.0.join(FILE)).unwrap().len(), 400);
    }

    #[test]
    fn what_is_stored_reads_back_from_a_list_onto_the_shelf() {
        let folder = Folder::new("stored");
        let shelf = Shelf::new(&folder.0, 0);
        let trace = shelf.keep(samples(PIECE + 3, 5)).unwrap();
        let bytes = postcard::to_stdvec(&trace).unwrap();
        assert_eq!(bytes, postcard::to_stdvec(&samples(PIECE + 3, 5)).unwrap());
        let back: Trace = shelf.during(|| postcard::from_bytes(&bytes)).unwrap();
        assert!(matches!(back.0, Kept::Filed(_)));
        assert_eq!(back, trace);
        let free: Trace = postcard::from_bytes(&bytes).unwrap();
        assert!(matches!(free.0, Kept::Held(_, None)));
    }

    #[test]
    fn a_file_that_cannot_be_made_is_an_error_with_its_name() {
        let shelf = Shelf::new(Path::new("/nowhere/at/all"), 0);
        let error = shelf.keep(vec![1.0]).unwrap_err().to_string();
        assert!(error.contains("traces.bin"), "{error}");
    }
}
