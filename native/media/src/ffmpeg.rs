//! ffmpeg as a child process: where it is, and one decoder.

use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::MediaError;
use crate::avi;
use crate::film::AviSource;

/// The ffmpeg that decodes: `$FFMPEG_BIN`, else `ffmpeg` on the PATH. `film` names the film in the error.
pub(crate) fn find(film: &Path) -> Result<PathBuf, MediaError> {
    let missing = |tried: String| MediaError::FfmpegMissing {
        path: film.display().to_string(),
        tried,
    };
    if let Some(named) = std::env::var_os("FFMPEG_BIN").filter(|value| !value.is_empty()) {
        let path = PathBuf::from(named);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(missing(format!(" (FFMPEG_BIN says {})", path.display())))
        };
    }
    let name = if cfg!(windows) { "ffmpeg.exe" } else { "ffmpeg" };
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| missing(String::new()))
}

/// How luma is taken from decoded frames: the Y plane as it is, or (RGB sources) computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Luma {
    Plane,
    Computed,
}

impl Luma {
    fn filter(self) -> &'static str {
        match self {
            Self::Plane => "extractplanes=y",
            Self::Computed => "format=gray",
        }
    }
}

/// One running ffmpeg whose output is read frame by frame. Killed and reaped when dropped.
pub(crate) struct Decoder {
    child: Child,
    output: BufReader<ChildStdout>,
    feeder: Option<JoinHandle<()>>,
    drain: Option<JoinHandle<String>>,
}

impl Decoder {
    /// Decodes packets of an AVI file, fed as a small AVI of their own; the first must be a key frame.
    pub(crate) fn of_packets(
        film: &Path,
        source: &Arc<AviSource>,
        packets: std::ops::Range<usize>,
        luma: Luma,
    ) -> Result<Self, MediaError> {
        let mut command = Command::new(find(film)?);
        command.args(["-v", "error", "-nostdin", "-threads", "1"]);
        if source.is_ffv1() {
            command.args(["-err_detect", "crccheck+explode"]);
        }
        command.args(["-f", "avi", "-i", "pipe:0"]).stdin(Stdio::piped());
        let mut decoder = Self::start(film, command, luma)?;
        let stdin = decoder.child.stdin.take();
        let source = Arc::clone(source);
        decoder.feeder = Some(std::thread::spawn(move || {
            if let Some(mut stdin) = stdin {
                // A broken pipe only means that the reader has seen enough.
                let _ = feed(&mut stdin, &source, packets);
            }
        }));
        Ok(decoder)
    }

    /// Decodes a file from `seek_s` on (seconds since its start); frames before are not delivered.
    pub(crate) fn of_file(film: &Path, seek_s: Option<f64>, luma: Luma) -> Result<Self, MediaError> {
        let mut command = Command::new(find(film)?);
        command.args(["-v", "error", "-nostdin", "-threads", "1"]);
        if let Some(seconds) = seek_s {
            command.args(["-ss", &format!("{seconds:.6}")]);
        }
        command.arg("-i").arg(film).stdin(Stdio::null());
        Self::start(film, command, luma)
    }

    fn start(film: &Path, mut command: Command, luma: Luma) -> Result<Self, MediaError> {
        command
            .args([
                "-map",
                "0:v:0",
                "-vf",
                luma.filter(),
                "-vsync",
                "passthrough",
                "-f",
                "rawvideo",
                "-pix_fmt",
                "gray",
                "pipe:1",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let io = |source| MediaError::Io {
            path: film.display().to_string(),
            source,
        };
        let mut child = command.spawn().map_err(io)?;
        let output = child
            .stdout
            .take()
            .ok_or_else(|| io(std::io::Error::other("ffmpeg has no output")))?;
        let drain = child.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut said = String::new();
                let mut chunk = [0u8; 4096];
                while let Ok(count @ 1..) = stderr.read(&mut chunk) {
                    if said.len() < 2000 {
                        said.push_str(&String::from_utf8_lossy(&chunk[..count]));
                    }
                }
                said
            })
        });
        Ok(Self {
            child,
            output: BufReader::with_capacity(1 << 16, output),
            feeder: None,
            drain,
        })
    }

    /// Fills `frame`; false at the end of the film.
    pub(crate) fn next(&mut self, frame: &mut [u8]) -> std::io::Result<bool> {
        let mut filled = 0;
        while filled < frame.len() {
            match self.output.read(&mut frame[filled..]) {
                Ok(0) => return Ok(false),
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// What ffmpeg said on its error output; ends it.
    pub(crate) fn complaint(mut self) -> String {
        let _ = self.child.kill();
        self.drain.take().and_then(|drain| drain.join().ok()).unwrap_or_default()
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for thread in [self.feeder.take()].into_iter().flatten() {
            let _ = thread.join();
        }
        if let Some(drain) = self.drain.take() {
            let _ = drain.join();
        }
    }
}

fn feed(stdin: &mut impl Write, source: &AviSource, packets: std::ops::Range<usize>) -> std::io::Result<()> {
    stdin.write_all(&avi::pipe_head(&source.avi))?;
    for packet in &source.avi.packets[packets] {
        stdin.write_all(&avi::packet_header(packet.length))?;
        stdin.write_all(&source.map[packet.offset..packet.offset + packet.length])?;
        if packet.length % 2 == 1 {
            stdin.write_all(&[0])?;
        }
    }
    stdin.flush()
}

/// One packet of a film in a container that is not AVI.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    /// Presentation time, seconds.
    pub(crate) seconds: f64,
}

/// Presentation times of all frames of a film in display order, by a copy of its packets (nothing is decoded), and its frame rate and size.
pub(crate) fn packet_list(film: &Path) -> Result<(Vec<Stamp>, usize, usize), MediaError> {
    let output = Command::new(find(film)?)
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(film)
        .args(["-map", "0:v:0", "-c", "copy", "-copyts", "-f", "framecrc", "-"])
        .stdin(Stdio::null())
        .output()
        .map_err(|source| MediaError::Io {
            path: film.display().to_string(),
            source,
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let unreadable = |reason: String| MediaError::Unreadable {
        path: film.display().to_string(),
        reason,
    };
    let mut base = (1.0, 1.0);
    let (mut width, mut height) = (0, 0);
    let mut times = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("#tb 0:") {
            let mut parts = rest.trim().split('/').filter_map(|part| part.trim().parse::<f64>().ok());
            base = (parts.next().unwrap_or(1.0), parts.next().unwrap_or(1.0));
        } else if let Some(rest) = line.strip_prefix("#dimensions 0:") {
            let mut parts = rest.trim().split('x').filter_map(|part| part.trim().parse::<usize>().ok());
            (width, height) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        } else if !line.starts_with('#') {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            if let Some(pts) = fields.get(2).and_then(|field| field.parse::<f64>().ok()) {
                times.push(pts * base.0 / base.1);
            }
        }
    }
    if width == 0 || height == 0 {
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().next().unwrap_or("ffmpeg finds no video in it");
        return Err(unreadable(format!("not a film that can be read ({first})")));
    }
    times.sort_by(f64::total_cmp);
    Ok((times.into_iter().map(|seconds| Stamp { seconds }).collect(), width, height))
}
