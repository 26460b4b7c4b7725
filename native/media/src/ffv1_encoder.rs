//! FFV1 by ffmpeg as a child: frames in on one pipe, packets out on the other. ffmpeg only encodes; the files are ours.
//!
//! Every frame is a key frame and stands alone (context 0), so one encoder serves all files of a recording, and any frame can be decoded by itself.

use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use crate::avi;
use crate::error::MediaError;
use crate::ffmpeg::find;

/// What the encoder gives.
pub enum Encoded {
    /// The format block of the stream: first, once.
    Format(Vec<u8>),
    /// The packets of the frames, in their order.
    Packet(Vec<u8>),
}

/// A running encoder. Killed and reaped when dropped.
pub struct Ffv1Encoder {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Encoded>,
    reader: Option<JoinHandle<()>>,
    name: String,
}

/// Parts of a picture that are encoded side by side. Four lie two by two, and of parts one pixel wide ffmpeg loses pixels without a word.
fn slices(width: u32, height: u32) -> &'static str {
    if width.min(height) < 4 { "1" } else { "4" }
}

impl Ffv1Encoder {
    /// Starts ffmpeg. `name` names the film in errors.
    ///
    /// # Errors
    /// [`MediaError::FfmpegMissing`], [`MediaError::Io`].
    pub fn start(name: &Path, [width, height]: [u32; 2]) -> Result<Self, MediaError> {
        let program = find(name)?;
        let io = |source| MediaError::Io {
            path: name.display().to_string(),
            source,
        };
        let mut child = Command::new(program)
            .args(["-v", "error", "-nostdin", "-f", "rawvideo", "-pix_fmt", "gray"])
            .args(["-video_size", &format!("{width}x{height}"), "-framerate", "25", "-i", "pipe:0"])
            .args(["-c:v", "ffv1", "-level", "3", "-slices", slices(width, height)])
            .args(["-coder", "0", "-context", "0", "-g", "1"])
            .args(["-threads", "2", "-flush_packets", "1", "-f", "avi", "pipe:1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(io)?;
        let input = child.stdin.take();
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| io(std::io::Error::other("ffmpeg has no output")))?;
        let (sender, output) = channel();
        let reader = std::thread::Builder::new()
            .name("calyx-ffv1".to_owned())
            .spawn(move || {
                read_packets(BufReader::with_capacity(1 << 18, stdout), &mut |encoded| {
                    sender.send(encoded).is_ok()
                });
            })
            .map_err(io)?;
        Ok(Self {
            child,
            input,
            output,
            reader: Some(reader),
            name: name.display().to_string(),
        })
    }

    /// Gives the encoder a frame; waits while it is busy.
    ///
    /// # Errors
    /// [`MediaError::Io`] when ffmpeg ended.
    pub fn push(&mut self, frame: &[u8]) -> Result<(), MediaError> {
        let input = self.input.as_mut().ok_or_else(|| std::io::Error::other("the encoder was closed"));
        input.and_then(|input| input.write_all(frame)).map_err(|source| MediaError::Io {
            path: self.name.clone(),
            source,
        })
    }

    /// What has come out meanwhile; none while nothing is ready.
    pub fn ready(&mut self) -> Option<Encoded> {
        self.output.try_recv().ok()
    }

    /// Ends the input; then [`Ffv1Encoder::rest`] gives what is left.
    pub fn close(&mut self) {
        self.input = None;
    }

    /// What comes out after [`Ffv1Encoder::close`]; none at the end.
    pub fn rest(&mut self) -> Option<Encoded> {
        self.output.recv().ok()
    }
}

impl Drop for Ffv1Encoder {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// Reads the AVI stream of a pipe: the format block, then packets. Ends with the pipe, or when `give` says that nobody wants more.
fn read_packets(mut pipe: BufReader<ChildStdout>, give: &mut dyn FnMut(Encoded) -> bool) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"movi") {
        if head.len() > 1 << 16 || pipe.read_exact(&mut byte).is_err() {
            return;
        }
        head.push(byte[0]);
    }
    let Ok(film) = avi::parse(&head) else { return };
    if !give(Encoded::Format(film.format)) {
        return;
    }
    let mut header = [0; 8];
    while pipe.read_exact(&mut header).is_ok() {
        let size = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let mut packet = vec![0; size + size % 2];
        if pipe.read_exact(&mut packet).is_err() {
            return;
        }
        packet.truncate(size);
        // The index at the end is ffmpeg's own; ours is written by whoever owns the file.
        if &header[..4] == b"00dc" && !give(Encoded::Packet(packet)) {
            return;
        }
    }
}
