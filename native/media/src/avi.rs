//! The AVI container, read by walking its chunks. The index is not needed and not believed: a file that a crash left without one, with a size of
//! 0xFFFFFFFF or with a cut last frame reads by the same walk. OpenDML files (several RIFF lists) too.

use crate::Finding;

/// One frame's bytes inside the file; writers of a constant rate put packets of length 0 where they had no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Offset of the data in the file.
    pub offset: usize,
    /// Its length, bytes.
    pub length: usize,
}

/// What an AVI file says of its video stream.
#[derive(Clone, Debug)]
pub struct Avi {
    /// Width, px.
    pub width: usize,
    /// Height, px.
    pub height: usize,
    /// Rows are stored bottom-up (a positive height of an uncompressed DIB).
    pub bottom_up: bool,
    /// `biCompression`, four characters; zeros for uncompressed.
    pub compression: [u8; 4],
    /// `biBitCount`.
    pub bits: u16,
    /// Frames per second by the stream header, if sane.
    pub fps: Option<f64>,
    /// The stream's format block (BITMAPINFOHEADER and what follows it).
    pub format: Vec<u8>,
    /// `fccHandler` of the stream header.
    pub handler: [u8; 4],
    /// The video packets in file order.
    pub packets: Vec<Packet>,
    /// Frame count the headers claim.
    pub claimed: u32,
    /// What was noticed.
    pub findings: Vec<Finding>,
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn tag(data: &[u8], at: usize) -> Option<[u8; 4]> {
    data.get(at..at + 4)?.try_into().ok()
}

/// True if the bytes begin like an AVI file.
#[must_use]
pub fn is_avi(data: &[u8]) -> bool {
    tag(data, 0) == Some(*b"RIFF") && tag(data, 8) == Some(*b"AVI ")
}

/// Names of chunks are four printable characters.
fn is_plausible(id: &[u8; 4]) -> bool {
    id.iter().all(|byte| (b' '..=b'~').contains(byte))
}

struct Walk<'a> {
    data: &'a [u8],
    stream_count: usize,
    video_stream: Option<usize>,
    avi: Avi,
    cut: Option<usize>,
    sizes_lie: bool,
    /// Bytes that are neither chunks nor the cut end.
    damaged: usize,
}

/// Walks the file. `Err` says in words what is wrong.
pub fn parse(data: &[u8]) -> Result<Avi, String> {
    if !is_avi(data) {
        return Err("not an AVI file".to_owned());
    }
    let empty = Avi {
        width: 0,
        height: 0,
        bottom_up: false,
        compression: [0; 4],
        bits: 0,
        fps: None,
        format: Vec::new(),
        handler: [0; 4],
        packets: Vec::new(),
        claimed: 0,
        findings: Vec::new(),
    };
    let mut walk = Walk {
        data,
        stream_count: 0,
        video_stream: None,
        avi: empty,
        cut: None,
        sizes_lie: false,
        damaged: 0,
    };
    let mut at = 0;
    while tag(data, at) == Some(*b"RIFF") {
        let end = walk.end_of(at + 8, u32_at(data, at + 4).unwrap_or(0));
        walk.list(at + 12, end, 0);
        at = end;
    }
    walk.finish()
}

impl Walk<'_> {
    /// End of a list whose data begin at `start`; sizes that cannot be true reach to the end of the file.
    fn end_of(&mut self, start: usize, size: u32) -> usize {
        let end = start.saturating_add(size as usize).saturating_add(size as usize & 1);
        if size == 0 || size == u32::MAX || end > self.data.len() + 1 {
            self.sizes_lie = true;
            return self.data.len();
        }
        end.min(self.data.len())
    }

    fn list(&mut self, mut at: usize, end: usize, depth: usize) {
        while at + 8 <= end {
            let (Some(id), Some(size)) = (tag(self.data, at), u32_at(self.data, at + 4)) else {
                return;
            };
            let body = at + 8;
            if &id == b"LIST" {
                let inner_end = self.end_of(body, size);
                if depth < 4 {
                    self.list(body + 4, inner_end, depth + 1);
                }
                at = inner_end;
                continue;
            }
            if &id == b"RIFF" {
                // A list without a true size ran into the next part of an OpenDML file.
                at = body + 4;
                continue;
            }
            let content_end = body.saturating_add(size as usize);
            // The last chunk may lack its filling byte.
            let next = content_end.saturating_add(size as usize & 1);
            let overruns = content_end > self.data.len();
            if overruns || !is_plausible(&id) {
                match self.damage(&id, at, end, overruns) {
                    Some(next_frame) => at = next_frame,
                    None => return,
                }
                continue;
            }
            self.chunk(&id, body, size as usize);
            at = next;
        }
        if at < end && end == self.data.len() && self.video_stream.is_some() && self.sizes_lie {
            self.cut.get_or_insert(end - at);
        }
    }

    fn is_video(&self, id: &[u8; 4]) -> bool {
        let Some(stream) = self.video_stream else { return false };
        let number = id[0].wrapping_sub(b'0') as usize * 10 + id[1].wrapping_sub(b'0') as usize;
        number == stream && id[2] == b'd' && (id[3] == b'c' || id[3] == b'b')
    }

    /// A chunk that makes no sense or runs over the file's end: where the walk goes on, if anywhere.
    fn damage(&mut self, id: &[u8; 4], at: usize, end: usize, overruns: bool) -> Option<usize> {
        if is_plausible(id) && !self.is_video(id) {
            // An index or a filler that was cut; no frame is missing.
            self.sizes_lie = true;
            return None;
        }
        let next = self.next_frame(at + 1, end);
        if let Some(next) = next {
            self.damaged += next - at;
        } else if overruns && self.is_video(id) {
            self.cut = Some(self.data.len().saturating_sub(at + 8));
        } else if self.video_stream.is_some() {
            self.damaged += end - at;
        }
        next
    }

    /// The next chunk of the film's stream at or after `from` that ends within the file and is followed by its end or another chunk.
    fn next_frame(&self, from: usize, end: usize) -> Option<usize> {
        self.video_stream?;
        let area = self.data.get(from..end)?;
        // Entries of an index look like chunks.
        let before_index = area.windows(8).enumerate().take_while(|(_, window)| &window[..4] != b"idx1");
        let mut candidates = before_index;
        candidates.find_map(|(offset, window)| {
            let id: [u8; 4] = window[..4].try_into().ok()?;
            if !self.is_video(&id) {
                return None;
            }
            let at = from + offset;
            let size = u32_at(self.data, at + 4)? as usize;
            let next = at.checked_add(8 + size + (size & 1))?;
            let followed = next >= self.data.len() || tag(self.data, next).is_none_or(|id| is_plausible(&id));
            (size > 0 && at + 8 + size <= self.data.len() && followed).then_some(at)
        })
    }

    fn chunk(&mut self, id: &[u8; 4], body: usize, size: usize) {
        match id {
            b"avih" => self.avi.claimed = u32_at(self.data, body + 16).unwrap_or(0),
            b"strh" => {
                if tag(self.data, body) == Some(*b"vids") && self.video_stream.is_none() {
                    self.video_stream = Some(self.stream_count);
                    self.avi.handler = tag(self.data, body + 4).unwrap_or_default();
                    let (scale, rate) = (u32_at(self.data, body + 20).unwrap_or(0), u32_at(self.data, body + 24).unwrap_or(0));
                    if scale > 0 && rate > 0 {
                        self.avi.fps = Some(f64::from(rate) / f64::from(scale));
                    }
                    self.avi.claimed = self.avi.claimed.max(u32_at(self.data, body + 32).unwrap_or(0));
                }
                self.stream_count += 1;
            }
            b"strf" if self.video_stream == Some(self.stream_count.wrapping_sub(1)) => self.format(body, size),
            _ if self.is_video(id) => self.avi.packets.push(Packet {
                offset: body,
                length: size,
            }),
            _ => {}
        }
    }

    fn format(&mut self, body: usize, size: usize) {
        let Some(format) = self.data.get(body..body + size) else { return };
        let height = u32_at(format, 8).unwrap_or(0).cast_signed();
        self.avi.width = u32_at(format, 4).unwrap_or(0) as usize;
        self.avi.height = height.unsigned_abs() as usize;
        self.avi.bottom_up = height > 0;
        self.avi.bits = u16_at(format, 14).unwrap_or(0);
        self.avi.compression = tag(format, 16).unwrap_or_default();
        self.avi.format = format.to_vec();
    }

    fn finish(mut self) -> Result<Avi, String> {
        if self.video_stream.is_none() {
            return Err("the AVI file holds no video stream".to_owned());
        }
        if self.avi.width == 0 || self.avi.height == 0 {
            return Err("the AVI file does not say the size of its frames".to_owned());
        }
        let frames = self.avi.packets.len();
        if let Some(bytes) = self.cut {
            self.avi.findings.push(Finding::new(
                "media.truncated",
                format!("the file was cut off: its last frame is incomplete ({bytes} bytes of it are there); the {frames} frames before it are whole"),
            ));
        } else if self.sizes_lie {
            self.avi.findings.push(Finding::new(
                "media.truncated",
                format!("the file was not closed (no sizes, no index); its {frames} frames were found by walking through it"),
            ));
        }
        if self.damaged > 0 {
            self.avi.findings.push(Finding::new(
                "media.damaged",
                format!(
                    "{} bytes of the file are damaged; frames in them are lost, {frames} frames were found",
                    self.damaged
                ),
            ));
        }
        if self.avi.claimed as usize != frames && self.avi.claimed != 0 {
            self.avi.findings.push(Finding::new(
                "media.count_differs",
                format!("the header says {} frames, {frames} are there", self.avi.claimed),
            ));
        }
        Ok(self.avi)
    }
}

/// Frame rate written into [`pipe_head`]: packet n has the time n / `PIPE_FPS`.
pub const PIPE_FPS: u32 = 25;

/// The video stream of an AVI file to be written.
pub struct Stream<'a> {
    /// Width and height, px.
    pub size: [u32; 2],
    /// `fccHandler`.
    pub handler: [u8; 4],
    /// Frames per second as a fraction: rate over scale.
    pub rate: [u32; 2],
    /// The format block (BITMAPINFOHEADER and what follows it).
    pub format: &'a [u8],
}

/// Places in a [`head`] whose values are known later.
#[derive(Clone, Copy, Debug)]
pub struct Blanks {
    /// Size of the file's RIFF list.
    pub riff_size: usize,
    /// Frame count of the main header.
    pub total_frames: usize,
    /// Length of the stream, frames.
    pub stream_length: usize,
    /// Size of the list of packets.
    pub movi_size: usize,
}

/// The head of an AVI file with one video stream, up to where [`packet_header`] and packets follow; counts are 0 and sizes open.
#[must_use]
pub fn head(stream: &Stream<'_>) -> (Vec<u8>, Blanks) {
    let [width, height] = stream.size;
    let [rate, scale] = stream.rate;
    let mut strh = Vec::with_capacity(56);
    strh.extend_from_slice(b"vids");
    strh.extend_from_slice(&stream.handler);
    strh.extend_from_slice(&[0; 12]);
    for value in [scale, rate, 0, 0, 0, u32::MAX, 0] {
        strh.extend_from_slice(&value.to_le_bytes());
    }
    for value in [0, 0, width, height] {
        strh.extend_from_slice(&u16::try_from(value).unwrap_or(u16::MAX).to_le_bytes());
    }
    let mut strl = b"strl".to_vec();
    push_chunk(&mut strl, b"strh", &strh);
    push_chunk(&mut strl, b"strf", stream.format);
    let mut avih = vec![0u8; 56];
    let interval = u64::from(scale) * 1_000_000 / u64::from(rate.max(1));
    avih[0..4].copy_from_slice(&u32::try_from(interval).unwrap_or(u32::MAX).to_le_bytes());
    avih[24..28].copy_from_slice(&1u32.to_le_bytes());
    avih[32..36].copy_from_slice(&width.to_le_bytes());
    avih[36..40].copy_from_slice(&height.to_le_bytes());
    let mut hdrl = b"hdrl".to_vec();
    push_chunk(&mut hdrl, b"avih", &avih);
    push_chunk(&mut hdrl, b"LIST", &strl);
    let open = 0x7FFF_FF00u32;
    let mut head = Vec::new();
    head.extend_from_slice(b"RIFF");
    head.extend_from_slice(&open.to_le_bytes());
    head.extend_from_slice(b"AVI ");
    push_chunk(&mut head, b"LIST", &hdrl);
    head.extend_from_slice(b"LIST");
    let movi_size = head.len();
    head.extend_from_slice(&(open - u32::try_from(head.len()).unwrap_or(0)).to_le_bytes());
    head.extend_from_slice(b"movi");
    // RIFF and its size and kind, LIST and its size, `hdrl`, `avih` and its size: 32 bytes before the main header's data.
    let main_header = 32;
    // The stream's list follows it: LIST, size, `strl`, `strh`, size.
    let stream_header = main_header + 56 + 20;
    let blanks = Blanks {
        riff_size: 4,
        total_frames: main_header + 16,
        stream_length: stream_header + 32,
        movi_size,
    };
    (head, blanks)
}

/// The head of a small AVI file with this stream, to be followed by [`packet_header`] and packets; sizes are left open, as a pipe needs it.
#[must_use]
pub fn pipe_head(avi: &Avi) -> Vec<u8> {
    let side = |n: usize| u32::try_from(n).unwrap_or(0);
    let stream = Stream {
        size: [side(avi.width), side(avi.height)],
        handler: avi.handler,
        rate: [PIPE_FPS, 1],
        format: &avi.format,
    };
    head(&stream).0
}

/// Header of one packet of [`pipe_head`]'s stream; data of odd length are followed by one zero byte.
#[must_use]
pub fn packet_header(length: usize) -> [u8; 8] {
    let mut header = *b"00dc\0\0\0\0";
    header[4..].copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    header
}

fn push_chunk(out: &mut Vec<u8>, id: &[u8; 4], body: &[u8]) {
    out.extend_from_slice(id);
    out.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(body);
    if body.len() % 2 == 1 {
        out.push(0);
    }
}

/// Whether an FFV1 packet is a key frame: its first range-coded decision, with the start state 128 (RFC 9043, 4.3 and 3.8.1). Container flags mark
/// every packet of a DAQ file as one.
#[must_use]
pub fn ffv1_is_key(packet: &[u8]) -> bool {
    let (Some(&first), Some(&second)) = (packet.first(), packet.get(1)) else {
        return false;
    };
    let low = u32::from(first) << 8 | u32::from(second);
    let range = 0xFF00u32;
    let split = range - ((range * 128) >> 8);
    low >= split
}
