//! One film file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

use crate::avi::{self, Avi};
use crate::ffmpeg::{self, Decoder, Luma, Stamp};
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
    /// Any other container: ffmpeg seeks by time.
    Timed { stamps: Vec<Stamp>, luma: Luma },
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
        let raw_stride = raw_layout(&avi);
        let findings = std::mem::take(&mut avi.findings);
        let source = Arc::new(AviSource { map, avi });
        let access = if let Some((stride, bottom_up)) = raw_stride {
            Access::Raw { source, stride, bottom_up }
        } else if source.is_ffv1() || is_intra(&source.avi.compression) {
            let luma = probe_luma(path, &source)?;
            Access::Packets {
                keys: key_packets(&source),
                source,
                luma,
            }
        } else {
            return Self::from_other(path, findings, Some((name, fps)));
        };
        let frames = match &access {
            Access::Raw { source, .. } | Access::Packets { source, .. } => source.avi.packets.len() as u64,
            Access::Timed { stamps, .. } => stamps.len() as u64,
        };
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
        let (stamps, width, height) = ffmpeg::packet_list(path)?;
        let span = stamps.last().map_or(0.0, |stamp| stamp.seconds) - stamps.first().map_or(0.0, |stamp| stamp.seconds);
        #[expect(clippy::cast_precision_loss, reason = "frame counts are far below 2^52")]
        let measured = (stamps.len() > 1 && span > 0.0).then(|| (stamps.len() - 1) as f64 / span);
        let extension = path
            .extension()
            .map(|text| text.to_string_lossy().to_lowercase())
            .unwrap_or_default();
        let (codec, fps) = known.unwrap_or((extension, None));
        let mut film = Self {
            path: path.to_owned(),
            frames: stamps.len() as u64,
            access: Access::Timed { stamps, luma: Luma::Plane },
            width,
            height,
            fps: measured.or(fps),
            codec,
            findings,
        };
        if film.frames > 0 && !first_frame_decodes(&film, Luma::Plane)? {
            film.access = match film.access {
                Access::Timed { stamps, .. } => Access::Timed {
                    stamps,
                    luma: Luma::Computed,
                },
                other => other,
            };
        }
        Ok(film)
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

    /// Copies frame `local` of an uncompressed film; false if the film is compressed or the frame is shorter than it should be.
    pub(crate) fn copy_raw(&self, local: u64, out: &mut [u8]) -> bool {
        let Access::Raw { source, stride, bottom_up } = &self.access else {
            return false;
        };
        let Some(packet) = usize::try_from(local).ok().and_then(|index| source.avi.packets.get(index)) else {
            return false;
        };
        let data = &source.map[packet.offset..packet.offset + packet.length];
        for (row, line) in out.chunks_exact_mut(self.width).enumerate() {
            let stored = if *bottom_up { self.height - 1 - row } else { row };
            let Some(bytes) = data.get(stored * stride..stored * stride + self.width) else {
                return false;
            };
            line.copy_from_slice(bytes);
        }
        true
    }

    /// The key frame at or before `local`.
    pub(crate) fn key_at(&self, local: usize) -> usize {
        match &self.access {
            Access::Packets { keys, .. } => keys[keys.partition_point(|&key| key <= local).saturating_sub(1)],
            _ => local,
        }
    }

    /// A decoder that delivers frames from `from` on; for packets `from` must be a key frame, and it ends before `to`.
    pub(crate) fn decoder(&self, from: usize, to: usize) -> Result<Decoder, MediaError> {
        match &self.access {
            Access::Packets { source, luma, .. } => Decoder::of_packets(&self.path, source, from..to, *luma),
            Access::Timed { stamps, luma } => Decoder::of_file(&self.path, seek_time(stamps, from), *luma),
            Access::Raw { .. } => Err(MediaError::Unreadable {
                path: self.path.display().to_string(),
                reason: "an uncompressed film needs no decoder".to_owned(),
            }),
        }
    }
}

/// Half a frame before the wanted one, seconds since the film's first frame; none for the first.
fn seek_time(stamps: &[Stamp], from: usize) -> Option<f64> {
    let wanted = stamps.get(from)?.seconds;
    let before = stamps.get(from.checked_sub(1)?)?.seconds;
    let first = stamps.first()?.seconds;
    Some(f64::midpoint(before, wanted) - first)
}

fn first_frame_decodes(film: &Film, luma: Luma) -> Result<bool, MediaError> {
    let mut decoder = Decoder::of_file(&film.path, None, luma)?;
    let mut frame = vec![0; film.frame_bytes()];
    decoder.next(&mut frame).map_err(|source| MediaError::Io {
        path: film.path.display().to_string(),
        source,
    })
}

fn probe_luma(path: &Path, source: &Arc<AviSource>) -> Result<Luma, MediaError> {
    let mut frame = vec![0; source.avi.width * source.avi.height];
    for luma in [Luma::Plane, Luma::Computed] {
        let mut decoder = Decoder::of_packets(path, source, 0..1, luma)?;
        if decoder.next(&mut frame).unwrap_or(false) {
            return Ok(luma);
        }
    }
    // The first frame is broken; the plane is what DAQ programs write.
    Ok(Luma::Plane)
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
