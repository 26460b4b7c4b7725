//! One film file.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

use crate::avi::{self, Avi};
use crate::ffmpeg::{self, Decoder, Luma};
use crate::{Finding, MediaError};

/// A memory-mapped AVI file.
pub(crate) struct AviSource {
    pub(crate) map: Mmap,
    pub(crate) avi: Avi,
}

impl AviSource {
    pub(crate) fn is_ffv1(&self) -> bool {
        &self.avi.compression == b"FFV1"
    }

    /// Gives the memory back that this stretch of the file takes in this process. A film is read once from end to end and would otherwise stay resident
    /// as a whole, many gigabytes of it. What is looked at again comes from the system's own cache.
    pub(crate) fn release(&self, bytes: Range<usize>) {
        #[cfg(unix)]
        {
            // The system maps pages around the one that is looked at, also those behind it that have been released.
            const AROUND: usize = 1 << 21;
            let bytes = bytes.start.saturating_sub(AROUND)..bytes.end;
            // SAFETY: the mapping is a read-only view of a file; pages dropped are read from the file again, with the same content.
            let released = unsafe {
                self.map
                    .unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, bytes.start, bytes.len())
            };
            // Only a hint: without it the film is as right as with it.
            let _ = released;
        }
        #[cfg(not(unix))]
        let _ = bytes;
    }
}

/// How the frames of a film are reached.
pub(crate) enum Access {
    /// Uncompressed 8-bit grey: bytes in the file. `stride` bytes a row.
    Raw {
        source: Arc<AviSource>,
        stride: usize,
        bottom_up: bool,
    },
    /// Compressed packets of an AVI file, cut by us at key frames (`keys`: packet numbers, ascending, first 0).
    Packets {
        source: Arc<AviSource>,
        keys: Vec<usize>,
        luma: Luma,
    },
    /// Any other container: ffmpeg seeks by time. `stamps`: times of all frames, s; without them frames are counted from the start. `keys` as above.
    Timed {
        stamps: Option<Arc<[f64]>>,
        keys: Vec<usize>,
        luma: Luma,
    },
}

/// A film: its size, frames and how to reach them. 8-bit grey, row-major.
pub struct Film {
    pub(crate) path: PathBuf,
    pub(crate) access: Access,
    width: usize,
    height: usize,
    frames: u64,
    fps: Option<f64>,
    codec: String,
    findings: Vec<Finding>,
}

impl Film {
    /// Opens a film: AVI by its own chunks, anything else through ffmpeg.
    ///
    /// # Errors
    /// The file is missing, is no film, has no frame, or needs an ffmpeg that is not there.
    pub fn open(path: &Path) -> Result<Self, MediaError> {
        let io = |source| MediaError::Io {
            path: path.display().to_string(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(MediaError::Unreadable {
                path: path.display().to_string(),
                reason: "not a file".to_owned(),
            });
        }
        if metadata.len() == 0 {
            return Err(MediaError::Empty {
                path: path.display().to_string(),
            });
        }
        // SAFETY: the mapping is read only; recordings are not changed while they are processed. A file that shrinks meanwhile would raise SIGBUS,
        // which the supervisor reports as a crash of this process with its cause.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        let film = if avi::is_avi(&map) {
            Self::from_avi(path, map)?
        } else {
            Self::from_other(path, Vec::new(), None)?
        };
        if film.frames == 0 {
            return Err(MediaError::Empty {
                path: path.display().to_string(),
            });
        }
        Ok(film)
    }

    fn from_avi(path: &Path, map: Mmap) -> Result<Self, MediaError> {
        let mut avi = avi::parse(&map).map_err(|reason| MediaError::Unreadable {
            path: path.display().to_string(),
            reason,
        })?;
        check_size(path, avi.width, avi.height)?;
        let before = avi.packets.len();
        avi.packets.retain(|packet| packet.length > 0);
        if avi.packets.is_empty() {
            return Err(MediaError::Empty {
                path: path.display().to_string(),
            });
        }
        if avi.packets.len() < before {
            let empty = before - avi.packets.len();
            avi.findings.push(Finding::new(
                "media.empty_packets",
                format!("{empty} of {before} frames in the file are empty and are left out"),
            ));
        }
        let name = codec_name(&avi);
        let (width, height, fps) = (avi.width, avi.height, avi.fps);
        let packets = avi.packets.len();
        let raw_stride = raw_layout(&avi);
        let findings = std::mem::take(&mut avi.findings);
        let source = Arc::new(AviSource { map, avi });
        let all = 0..source.map.len();
        let access = if let Some((stride, bottom_up)) = raw_stride {
            source.release(all);
            Access::Raw { source, stride, bottom_up }
        } else if source.is_ffv1() || is_intra(&source.avi.compression) {
            let keys = key_packets(&source);
            let luma = probe_packets(path, &source, &keys)?;
            source.release(all);
            Access::Packets { keys, source, luma }
        } else {
            return Self::from_other(path, findings, Some((name, fps)));
        };
        let frames = packets as u64;
        Ok(Self {
            path: path.to_owned(),
            access,
            width,
            height,
            frames,
            fps,
            codec: name,
            findings,
        })
    }

    fn from_other(path: &Path, findings: Vec<Finding>, known: Option<(String, Option<f64>)>) -> Result<Self, MediaError> {
        let list = ffmpeg::packet_list(path)?;
        if list.frames == 0 {
            return Err(MediaError::Empty {
                path: path.display().to_string(),
            });
        }
        check_size(path, list.width, list.height)?;
        let span = list.stamps.as_deref().and_then(|stamps| Some(stamps.last()? - stamps.first()?));
        #[expect(clippy::cast_precision_loss, reason = "frame counts are far below 2^52")]
        let measured = span.filter(|&span| span > 0.0).map(|span| (list.frames - 1) as f64 / span);
        let extension = path
            .extension()
            .map(|text| text.to_string_lossy().to_lowercase())
            .unwrap_or_default();
        let (codec, fps) = known.unwrap_or((extension, None));
        let luma = probe(path, list.width * list.height, |luma| Decoder::of_file(path, None, None, luma))?;
        Ok(Self {
            path: path.to_owned(),
            frames: list.frames as u64,
            access: Access::Timed {
                stamps: list.stamps,
                keys: list.keys,
                luma,
            },
            width: list.width,
            height: list.height,
            fps: measured.or(fps),
            codec,
            findings,
        })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of frames that are really there.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Width, px.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height, px.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Frames per second by the container. DAQ programs write 60 whatever the truth is: time stamps come first.
    #[must_use]
    pub fn container_fps(&self) -> Option<f64> {
        self.fps
    }

    /// The codec's name: the four characters of an AVI, else the container's extension.
    #[must_use]
    pub fn codec(&self) -> &str {
        &self.codec
    }

    /// What was noticed on opening.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Bytes of one frame.
    pub(crate) fn frame_bytes(&self) -> usize {
        self.width * self.height
    }

    /// Copies frame `local` of an uncompressed film; false, with `out` as it was, if the film is compressed or the frame shorter than it should be.
    pub(crate) fn copy_raw(&self, local: u64, out: &mut [u8]) -> bool {
        let Access::Raw { source, stride, bottom_up } = &self.access else {
            return false;
        };
        let Some(packet) = usize::try_from(local).ok().and_then(|index| source.avi.packets.get(index)) else {
            return false;
        };
        let data = &source.map[packet.offset..packet.offset + packet.length];
        if data.len() < (self.height - 1) * stride + self.width {
            return false;
        }
        for (row, line) in out.chunks_exact_mut(self.width).enumerate() {
            let stored = if *bottom_up { self.height - 1 - row } else { row };
            line.copy_from_slice(&data[stored * stride..stored * stride + self.width]);
        }
        source.release(packet.offset..packet.offset + packet.length);
        true
    }

    fn keys(&self) -> &[usize] {
        match &self.access {
            Access::Packets { keys, .. } | Access::Timed { keys, .. } => keys,
            Access::Raw { .. } => &[],
        }
    }

    /// The key frame at or before `local`; of an uncompressed film the frame itself.
    pub(crate) fn key_at(&self, local: usize) -> usize {
        let keys = self.keys();
        keys.get(keys.partition_point(|&key| key <= local).saturating_sub(1))
            .copied()
            .unwrap_or(local)
    }

    /// The first key frame after `local`, if there is one.
    pub(crate) fn key_after(&self, local: usize) -> Option<usize> {
        let keys = self.keys();
        keys.get(keys.partition_point(|&key| key <= local)).copied()
    }

    /// Whether frames up to the next key frame are worthless once one of them is missing (FFV1 carries its coder's state on from frame to frame).
    pub(crate) fn carries_state(&self) -> bool {
        matches!(&self.access, Access::Packets { source, .. } if source.is_ffv1())
    }

    /// Whether frames are read from the file as they are.
    pub(crate) fn is_raw(&self) -> bool {
        matches!(self.access, Access::Raw { .. })
    }

    /// Whether several parts of the film can be decoded by one process.
    pub(crate) fn chains(&self) -> bool {
        matches!(self.access, Access::Packets { .. })
    }

    /// A decoder that waits for packets of this film and of those it [`Self::is_fed_like`]; none where packets cannot be chosen.
    pub(crate) fn waiting_decoder(&self) -> Result<Option<Decoder>, MediaError> {
        match &self.access {
            Access::Packets { source, luma, .. } => Decoder::waiting(&self.path, source, *luma).map(Some),
            Access::Raw { .. } | Access::Timed { .. } => Ok(None),
        }
    }

    /// Hands packets of this film to a decoder that waits.
    pub(crate) fn feed(&self, decoder: &mut Decoder, range: Range<usize>) {
        if let Access::Packets { source, .. } = &self.access {
            decoder.feed(source, range);
        }
    }

    /// Whether one decoder takes packets of both films in turn: files of one recording have the same format.
    pub(crate) fn is_fed_like(&self, other: &Self) -> bool {
        match (&self.access, &other.access) {
            (
                Access::Packets { source: a, luma, .. },
                Access::Packets {
                    source: b, luma: as_well, ..
                },
            ) => luma == as_well && a.avi.compression == b.avi.compression && a.avi.format == b.avi.format,
            _ => false,
        }
    }

    /// A decoder of these parts; each begins at a key frame. Of a film that ffmpeg seeks in, only the first part's start counts: the decoder begins there or
    /// (`from_start`) at the film's beginning, and runs on to the end.
    pub(crate) fn decoder(&self, parts: Vec<Range<usize>>, from_start: bool) -> Result<Decoder, MediaError> {
        match &self.access {
            Access::Packets { source, luma, .. } => Decoder::of_packets(&self.path, source, parts, *luma),
            Access::Timed { stamps, luma, .. } => {
                let start = parts.first().map_or(0, |part| part.start);
                let seek = stamps.as_deref().filter(|_| start > 0 && !from_start).and_then(|stamps| {
                    // Half a millisecond more, so that rounding does not fetch the group before.
                    Some(stamps.get(start)? - stamps.first()? + 0.0005)
                });
                Decoder::of_file(&self.path, seek, stamps.clone(), *luma)
            }
            Access::Raw { .. } => Err(MediaError::Unreadable {
                path: self.path.display().to_string(),
                reason: "an uncompressed film needs no decoder".to_owned(),
            }),
        }
    }
}

/// Longest side of a frame, px: four times that of any camera for these films.
const LONGEST_SIDE: usize = 16_384;

/// Refuses a frame size that no film has, before a frame of it is made room for: headers lie.
fn check_size(path: &Path, width: usize, height: usize) -> Result<(), MediaError> {
    if width <= LONGEST_SIDE && height <= LONGEST_SIDE {
        return Ok(());
    }
    Err(MediaError::Unreadable {
        path: path.display().to_string(),
        reason: format!("its header speaks of frames of {width} × {height} pixels; the longest side that is read is {LONGEST_SIDE}"),
    })
}

/// How luma is taken from this film: the way by which a first frame comes out.
fn probe(path: &Path, frame_bytes: usize, open: impl Fn(Luma) -> Result<Decoder, MediaError>) -> Result<Luma, MediaError> {
    let mut frame = vec![0; frame_bytes];
    let mut said = String::new();
    for luma in [Luma::Plane, Luma::Computed] {
        let mut decoder = open(luma)?;
        if decoder.next(&mut frame).is_ok_and(|number| number.is_some()) {
            return Ok(luma);
        }
        said = decoder.complaint();
    }
    Err(MediaError::Unreadable {
        path: path.display().to_string(),
        reason: format!(
            "no frame could be decoded ({})",
            said.lines().next().unwrap_or("ffmpeg does not say why")
        ),
    })
}

/// As [`probe`], on one key frame after the other (at most six of them), since the first may be the broken one.
fn probe_packets(path: &Path, source: &Arc<AviSource>, keys: &[usize]) -> Result<Luma, MediaError> {
    let frame_bytes = source.avi.width * source.avi.height;
    let mut result = Ok(Luma::Plane);
    for &key in keys.iter().step_by(keys.len().div_ceil(6)) {
        result = probe(path, frame_bytes, |luma| {
            Decoder::of_packets(path, source, std::iter::once(key..key + 1).collect(), luma)
        });
        if !matches!(result, Err(MediaError::Unreadable { .. })) {
            break;
        }
    }
    result
}

/// Row stride and direction of an uncompressed 8-bit grey stream, or none.
fn raw_layout(avi: &Avi) -> Option<(usize, bool)> {
    let first = avi.packets.first()?.length;
    let padded = avi.width.next_multiple_of(4);
    let stride = if first == avi.width * avi.height { avi.width } else { padded };
    match &avi.compression {
        b"GREY" | b"Y800" | b"Y8  " if first >= stride * avi.height => Some((stride, false)),
        [0, 0, 0, 0] | b"DIB " if avi.bits == 8 && first >= stride * avi.height => Some((stride, avi.bottom_up)),
        _ => None,
    }
}

/// Codecs whose every frame stands alone.
fn is_intra(compression: &[u8; 4]) -> bool {
    matches!(
        compression,
        b"MJPG" | b"mjpg" | b"FFVH" | b"HFYU" | b"MJ2C" | b"ULY0" | b"ULY2" | b"ULY4"
    )
}

fn key_packets(source: &AviSource) -> Vec<usize> {
    let packets = &source.avi.packets;
    let is_key = |packet: &avi::Packet| !source.is_ffv1() || avi::ffv1_is_key(&source.map[packet.offset..packet.offset + packet.length]);
    let mut keys: Vec<usize> = packets
        .iter()
        .enumerate()
        .filter(|(_, packet)| is_key(packet))
        .map(|(index, _)| index)
        .collect();
    if keys.first() != Some(&0) {
        keys.insert(0, 0);
    }
    keys
}

fn codec_name(avi: &Avi) -> String {
    if avi.compression == [0; 4] {
        return if avi.bits == 8 {
            "DIB".to_owned()
        } else {
            format!("RGB{}", avi.bits)
        };
    }
    String::from_utf8_lossy(&avi.compression).trim().to_owned()
}
