//! ffmpeg as a child process: where it is, one decoder, the list of a file's packets.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::MediaError;
use crate::avi;
use crate::film::AviSource;

/// Frame rate of the small AVI that packets are fed in; its times say which packet a frame came from.
const FED_FPS: f64 = avi::PIPE_FPS as f64;

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

/// Programs larger than this hold their libraries, start quickly, and are asked rather than searched.
const SEARCHED_BYTES: u64 = 4 << 20;

/// Does the program's own file hold the name of the option? Starting a program that links a hundred libraries, only to ask it, costs as much
/// processor time as decoding a hundred frames.
fn names_fps_mode(program: &Path) -> bool {
    let small = std::fs::metadata(program).is_ok_and(|about| about.len() <= SEARCHED_BYTES);
    small && std::fs::read(program).is_ok_and(|bytes| holds(&bytes, b"\0fps_mode\0"))
}

/// Does `text` hold `part`?
fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// How this ffmpeg is told to neither repeat nor drop frames: `-vsync` until 5.0, `-fps_mode` since. Found out once per program.
fn passthrough_option(program: &Path) -> &'static str {
    static KNOWN: OnceLock<Mutex<HashMap<PathBuf, &'static str>>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    let remembered = known.lock().ok().and_then(|known| known.get(program).copied());
    if let Some(option) = remembered {
        return option;
    }
    let says_so = || {
        let help = Command::new(program)
            .args(["-v", "error", "-h", "long"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        help.is_ok_and(|help| holds(&help.stdout, b"\n-fps_mode"))
    };
    let new = names_fps_mode(program) || says_so();
    let option = if new { "-fps_mode" } else { "-vsync" };
    if let Ok(mut known) = known.lock() {
        known.insert(program.to_owned(), option);
    }
    option
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

/// How the time ffmpeg gives for a frame is turned into the frame's number in its film.
enum Clock {
    /// Packets were fed one after the other; these are their numbers in the film, the first of them after `passed` packets.
    Fed { ranges: VecDeque<Range<usize>>, passed: usize },
    /// Times of all frames of the film, s, ascending.
    Stamped(Arc<[f64]>),
    /// The film has no times: frames are counted.
    Counted(usize),
}

impl Clock {
    fn frame(&mut self, seconds: Option<f64>) -> Option<usize> {
        match self {
            Self::Fed { ranges, passed } => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a negative time becomes packet 0"
                )]
                let position = (seconds? * FED_FPS).round() as usize;
                // Times ascend: what lies behind is not asked again, so that a decoder fed for hours remembers no more than what it owes.
                while let Some(range) = ranges.front() {
                    if position < *passed + range.len() {
                        return position.checked_sub(*passed).map(|inside| range.start + inside);
                    }
                    *passed += range.len();
                    ranges.pop_front();
                }
                None
            }
            Self::Stamped(stamps) => {
                let seconds = seconds?;
                let after = stamps.partition_point(|&stamp| stamp < seconds);
                let before = after.saturating_sub(1);
                let distance = |index: usize| stamps.get(index).map_or(f64::INFINITY, |stamp| (stamp - seconds).abs());
                Some(if distance(before) <= distance(after) { before } else { after })
            }
            Self::Counted(next) => {
                *next += 1;
                Some(*next - 1)
            }
        }
    }
}

/// What ffmpeg says while it decodes.
enum Said {
    /// It gives a frame; of this time, s.
    Frame(Option<f64>),
    /// Something is wrong with what it was given.
    Complaint,
}

/// What a decoder that waits answers.
pub(crate) enum Answer {
    /// The frame of this number.
    Frame(usize),
    /// A complaint, or its end.
    Wrong,
    /// Nothing for too long.
    Nothing,
}

/// Packets to be decoded: of this file, these.
type Feed = (Arc<AviSource>, Range<usize>);

/// One running ffmpeg whose output is read frame by frame. Killed and reaped when dropped.
pub(crate) struct Decoder {
    child: Child,
    output: BufReader<ChildStdout>,
    /// In the order of output.
    said: Receiver<Said>,
    clock: Clock,
    /// Takes more packets; none where no more can follow.
    feed: Option<Sender<Feed>>,
    feeder: Option<JoinHandle<()>>,
    listener: Option<JoinHandle<String>>,
}

impl Decoder {
    /// Decodes packets of an AVI file, fed as a small AVI of their own; each range must begin at a key frame.
    pub(crate) fn of_packets(film: &Path, source: &Arc<AviSource>, ranges: Vec<Range<usize>>, luma: Luma) -> Result<Self, MediaError> {
        let mut decoder = Self::waiting(film, source, luma)?;
        for range in ranges {
            decoder.feed(source, range);
        }
        decoder.feed = None;
        Ok(decoder)
    }

    /// A decoder that waits for packets of this film, or of another of the same format: see [`Self::feed`].
    pub(crate) fn waiting(film: &Path, source: &Arc<AviSource>, luma: Luma) -> Result<Self, MediaError> {
        let program = find(film)?;
        let mut command = quiet(&program);
        if source.is_ffv1() {
            command.args(["-err_detect", "crccheck+explode"]);
        }
        command.args(["-f", "avi", "-i", "pipe:0"]).stdin(Stdio::piped());
        let ranges = VecDeque::new();
        let mut decoder = Self::start(film, &program, command, luma, Clock::Fed { ranges, passed: 0 })?;
        let (sender, feeds) = channel::<Feed>();
        let stdin = decoder.child.stdin.take();
        let head = avi::pipe_head(&source.avi);
        decoder.feed = Some(sender);
        decoder.feeder = Some(std::thread::spawn(move || {
            if let Some(mut stdin) = stdin {
                // A broken pipe only means that the reader has seen enough.
                let _ = write_feeds(&mut stdin, &head, &feeds);
            }
        }));
        Ok(decoder)
    }

    /// Hands it more packets: a key frame first, or the packet after the last one.
    pub(crate) fn feed(&mut self, source: &Arc<AviSource>, range: Range<usize>) {
        if let Clock::Fed { ranges, .. } = &mut self.clock {
            ranges.push_back(range.clone());
        }
        if let Some(feed) = &self.feed {
            // A feeder that has ended is noticed by the frame that does not come.
            let _ = feed.send((Arc::clone(source), range));
        }
    }

    /// Decodes a file from the key frame at or before `seek_s` (seconds since the container's start) on. Where it really begins, its frames' times say.
    pub(crate) fn of_file(film: &Path, seek_s: Option<f64>, stamps: Option<Arc<[f64]>>, luma: Luma) -> Result<Self, MediaError> {
        let program = find(film)?;
        let mut command = quiet(&program);
        command.arg("-copyts");
        if let Some(seconds) = seek_s {
            command.args(["-noaccurate_seek", "-ss", &format!("{seconds:.6}")]);
        }
        command.arg("-i").arg(film).stdin(Stdio::null());
        let clock = stamps.map_or(Clock::Counted(0), Clock::Stamped);
        Self::start(film, &program, command, luma, clock)
    }

    fn start(film: &Path, program: &Path, mut command: Command, luma: Luma, clock: Clock) -> Result<Self, MediaError> {
        // The second branch says each frame's time; on 2 × 2 pixels, since showinfo sums all it sees. Without the times, a frame that does not decode
        // would shift the numbers of all that follow.
        let filter = format!(
            "[0:v:0]{},split[times][frames];[times]crop=2:2:0:0,showinfo,nullsink",
            luma.filter()
        );
        command
            .args([
                "-filter_complex",
                &filter,
                "-map",
                "[frames]",
                passthrough_option(program),
                "passthrough",
            ])
            // With threads of its own the encoder of raw frames keeps the last one back until another follows.
            .args(["-c:v", "rawvideo", "-threads", "1", "-flush_packets", "1"])
            .args(["-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let io = |source| io_error(film, source);
        let mut child = command.spawn().map_err(io)?;
        let pipes = child.stdout.take().zip(child.stderr.take());
        let (output, errors) = pipes.ok_or_else(|| io(std::io::Error::other("ffmpeg has no output")))?;
        let (sender, said) = channel();
        Ok(Self {
            child,
            output: BufReader::with_capacity(1 << 16, output),
            said,
            clock,
            feed: None,
            feeder: None,
            listener: Some(std::thread::spawn(move || listen(errors, &sender))),
        })
    }

    /// Fills `frame` with the next frame that decodes and gives its number in the film; none at the end.
    pub(crate) fn next(&mut self, frame: &mut [u8]) -> std::io::Result<Option<usize>> {
        if !self.fill(frame)? {
            return Ok(None);
        }
        loop {
            match self.said.recv() {
                Ok(Said::Frame(seconds)) => return Ok(self.clock.frame(seconds)),
                Ok(Said::Complaint) => {}
                Err(_) => return Err(std::io::Error::other("ffmpeg gave a frame without its time")),
            }
        }
    }

    /// As [`Self::next`], of a decoder that waits for more and must answer within `patience`.
    pub(crate) fn next_within(&mut self, patience: Duration, frame: &mut [u8]) -> std::io::Result<Answer> {
        match self.said.recv_timeout(patience) {
            Ok(Said::Frame(seconds)) if self.fill(frame)? => Ok(self.clock.frame(seconds).map_or(Answer::Wrong, Answer::Frame)),
            Err(RecvTimeoutError::Timeout) => Ok(Answer::Nothing),
            _ => Ok(Answer::Wrong),
        }
    }

    /// Reads one frame from the pipe; false at its end.
    fn fill(&mut self, frame: &mut [u8]) -> std::io::Result<bool> {
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

    /// What ffmpeg complained about; ends it.
    pub(crate) fn complaint(mut self) -> String {
        self.feed = None;
        let _ = self.child.wait();
        self.listener.take().and_then(|listener| listener.join().ok()).unwrap_or_default()
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.feed = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(feeder) = self.feeder.take() {
            let _ = feeder.join();
        }
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn io_error(film: &Path, source: std::io::Error) -> MediaError {
    MediaError::Io {
        path: film.display().to_string(),
        source,
    }
}

fn quiet(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["-hide_banner", "-nostats", "-nostdin", "-v", "level+info", "-threads", "1"]);
    command
}

/// Reads ffmpeg's messages: what it says of frames goes to `said`, the words of its complaints are kept (the first few).
fn listen(errors: ChildStderr, said: &Sender<Said>) -> String {
    let mut words = String::new();
    let mut base = (1.0, 25.0);
    for line in BufReader::new(errors).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if line.contains("Parsed_showinfo") {
            if let Some(rest) = after(&line, "config in time_base:") {
                base = fraction(rest).unwrap_or(base);
            } else if line.contains(" n:")
                && let Some(rest) = after(&line, " pts:")
            {
                let ticks = rest.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
                if said.send(Said::Frame(ticks.map(|ticks| ticks * base.0 / base.1))).is_err() {
                    break;
                }
            }
        } else if line.contains("[error]") || line.contains("[fatal]") {
            let _ = said.send(Said::Complaint);
            if words.len() < 2000 {
                words.push_str(line.rsplit("] ").next().unwrap_or(&line).trim());
                words.push('\n');
            }
        }
    }
    words
}

fn after<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.find(mark).map(|at| &line[at + mark.len()..])
}

/// `1/12800, …` as two numbers.
fn fraction(text: &str) -> Option<(f64, f64)> {
    let (numerator, rest) = text.trim().split_once('/')?;
    let denominator = rest.split([',', ' ']).next()?;
    let pair = (numerator.trim().parse::<f64>().ok()?, denominator.trim().parse::<f64>().ok()?);
    (pair.1 > 0.0).then_some(pair)
}

/// Writes what is to be decoded, as it comes.
fn write_feeds(stdin: &mut impl Write, head: &[u8], feeds: &Receiver<Feed>) -> std::io::Result<()> {
    stdin.write_all(head)?;
    for (source, range) in feeds {
        for packet in &source.avi.packets[range] {
            stdin.write_all(&avi::packet_header(packet.length))?;
            stdin.write_all(&source.map[packet.offset..packet.offset + packet.length])?;
            if packet.length % 2 == 1 {
                stdin.write_all(&[0])?;
            }
            source.release(packet.offset..packet.offset + packet.length);
        }
        stdin.flush()?;
    }
    Ok(())
}

/// What a copy of a film's packets says (nothing is decoded).
pub(crate) struct PacketList {
    /// Frames of the film.
    pub(crate) frames: usize,
    /// Times of the frames in display order, s; none where the container has no usable times.
    pub(crate) stamps: Option<Arc<[f64]>>,
    /// Key frames in display order, ascending; the first is 0.
    pub(crate) keys: Vec<usize>,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// Lists the frames of a film in any container ffmpeg reads.
pub(crate) fn packet_list(film: &Path) -> Result<PacketList, MediaError> {
    let output = Command::new(find(film)?)
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(film)
        .args(["-map", "0:v:0", "-c", "copy", "-copyts", "-f", "framecrc", "-"])
        .stdin(Stdio::null())
        .output()
        .map_err(|source| io_error(film, source))?;
    let list = read_packet_list(&String::from_utf8_lossy(&output.stdout));
    if list.width == 0 || list.height == 0 {
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().next().unwrap_or("ffmpeg finds no video in it");
        return Err(MediaError::Unreadable {
            path: film.display().to_string(),
            reason: format!("not a film that can be read ({first})"),
        });
    }
    Ok(list)
}

/// Flag of a packet that is decoded for others' sake and not shown.
const DISCARDED: u32 = 4;

fn read_packet_list(text: &str) -> PacketList {
    let mut base = (1.0, 1.0);
    let mut size = (0, 0);
    let mut packets: Vec<(Option<f64>, bool)> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("#tb 0:") {
            base = fraction(rest).unwrap_or(base);
        } else if let Some(rest) = line.strip_prefix("#dimensions 0:") {
            let mut parts = rest.trim().split('x').filter_map(|part| part.trim().parse::<usize>().ok());
            size = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        } else if !line.starts_with('#') {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            // A packet that is a key frame and nothing else has no flags written.
            let flags = fields
                .iter()
                .find_map(|field| field.strip_prefix("F=0x"))
                .map_or(Some(1), |flags| u32::from_str_radix(flags, 16).ok())
                .unwrap_or(0);
            if fields.len() >= 6 && flags & DISCARDED == 0 {
                let pts = fields[2].parse::<i64>().ok().filter(|&pts| pts != i64::MIN);
                #[expect(clippy::cast_precision_loss, reason = "times of films are far below 2^52 ticks")]
                packets.push((pts.map(|pts| pts as f64 * base.0 / base.1), flags & 1 == 1));
            }
        }
    }
    let frames = packets.len();
    let mut timed: Vec<(f64, bool)> = packets.iter().filter_map(|&(pts, key)| Some((pts?, key))).collect();
    timed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let usable = timed.len() == frames && timed.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let mut keys = vec![0];
    if usable {
        keys.extend(
            timed
                .iter()
                .enumerate()
                .filter(|(index, frame)| *index > 0 && frame.1)
                .map(|(index, _)| index),
        );
    }
    PacketList {
        frames,
        stamps: usable.then(|| timed.iter().map(|frame| frame.0).collect()),
        keys,
        width: size.0,
        height: size.1,
    }
}
