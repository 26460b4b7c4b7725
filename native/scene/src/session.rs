//! A scene as a session folder: what the Miniscope DAQ software writes for a Miniscope V4 (reference, acquisition 4), with the truth beside it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::random::Random;
use crate::scene::Scene;
use crate::truth;

/// Frames drawn at a time.
const BLOCK: usize = 100;
/// Stream of random numbers for the time stamps and the head; the scene uses lower ones.
const STREAM: u64 = 100;
/// The recording's start, 10 October 2026 09:30:00.250 in a place two hours east of UTC.
const STARTED_MS: u64 = 1_791_617_400_250;

/// How the films are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// FFV1, a key frame every twelve frames as the DAQ software writes it.
    Ffv1,
    /// Raw grey frames.
    Grey,
}

/// How a session is laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Frames in each film.
    pub frames_per_file: usize,
    /// How films are stored.
    pub codec: Codec,
    /// Name of the device and of its folder.
    pub device: String,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            frames_per_file: 1000,
            codec: Codec::Ffv1,
            device: "Miniscope".to_owned(),
        }
    }
}

/// Why a session could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The disk failed.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// ffmpeg is missing or failed.
    #[error("ffmpeg ({0}): {1}")]
    Ffmpeg(String, String),
    /// An array of the truth could not be written.
    #[error(transparent)]
    Truth(#[from] calyx_npy::NpyError),
}

/// Writes the session into `folder`, which must not exist or be empty; returns the films in order.
///
/// # Errors
/// [`SessionError`].
pub fn write(scene: &Scene, folder: &Path, layout: &Layout) -> Result<Vec<PathBuf>, SessionError> {
    let device = folder.join(&layout.device);
    std::fs::create_dir_all(&device).map_err(|error| SessionError::Io(device.display().to_string(), error))?;
    let films = write_films(scene, &device, layout)?;
    let save =
        |path: PathBuf, text: String| std::fs::write(&path, text).map_err(|error| SessionError::Io(path.display().to_string(), error));
    let stamps = time_stamps(scene);
    save(folder.join("metaData.json"), base_metadata(scene, layout))?;
    save(folder.join("notes.csv"), notes(&stamps, layout))?;
    save(device.join("metaData.json"), device_metadata(scene, layout))?;
    save(device.join("timeStamps.csv"), time_stamps_csv(&stamps))?;
    save(device.join("headOrientation.csv"), head_orientation(scene, &stamps))?;
    truth::write(scene, &folder.join("truth"))?;
    Ok(films)
}

fn write_films(scene: &Scene, device: &Path, layout: &Layout) -> Result<Vec<PathBuf>, SessionError> {
    let mut films = Vec::new();
    for (n, first) in (0..scene.config.frames).step_by(layout.frames_per_file.max(1)).enumerate() {
        let path = device.join(format!("{n}.avi"));
        let end = (first + layout.frames_per_file).min(scene.config.frames);
        let mut film = Film::create(&path, scene.config.height, scene.config.width, layout.codec)?;
        for from in (first..end).step_by(BLOCK) {
            film.write(&scene.frames(from..(from + BLOCK).min(end)))?;
        }
        film.finish()?;
        films.push(path);
    }
    Ok(films)
}

/// One AVI made by an ffmpeg child process.
struct Film {
    name: String,
    child: Child,
}

impl Film {
    fn create(path: &Path, height: usize, width: usize, codec: Codec) -> Result<Self, SessionError> {
        let program = std::env::var_os("FFMPEG_BIN").unwrap_or_else(|| "ffmpeg".into());
        let mut command = Command::new(&program);
        // 60 frames a second is what the DAQ software puts into every container.
        command.args(["-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-r", "60", "-s"]);
        command
            .arg(format!("{width}x{height}"))
            .args(["-i", "-", "-threads", "1", "-bitexact"]);
        match codec {
            Codec::Ffv1 => command.args([
                "-c:v", "ffv1", "-level", "3", "-coder", "1", "-context", "1", "-g", "12", "-slices", "4",
            ]),
            Codec::Grey => command.args(["-c:v", "rawvideo", "-pix_fmt", "gray"]),
        };
        command.args(["-f", "avi"]).arg(path).stdin(Stdio::piped()).stdout(Stdio::null());
        let name = path.display().to_string();
        match command.spawn() {
            Ok(child) => Ok(Self { name, child }),
            Err(error) => Err(SessionError::Ffmpeg(program.to_string_lossy().into_owned(), error.to_string())),
        }
    }

    fn write(&mut self, frames: &[u8]) -> Result<(), SessionError> {
        let stdin = self.child.stdin.as_mut();
        let written = stdin.map_or(Ok(()), |stdin| stdin.write_all(frames));
        written.map_err(|error| SessionError::Io(self.name.clone(), error))
    }

    fn finish(mut self) -> Result<(), SessionError> {
        drop(self.child.stdin.take());
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(SessionError::Ffmpeg(self.name, status.to_string())),
            Err(error) => Err(SessionError::Io(self.name, error)),
        }
    }
}

/// Milliseconds since the recording's start, one for each frame: whole numbers, a little jitter, the first one negative as the DAQ software
/// writes it.
fn time_stamps(scene: &Scene) -> Vec<i64> {
    let mut random = Random::new(scene.config.seed, STREAM);
    let mut last = i64::MIN;
    (0..scene.config.frames)
        .map(|t| {
            let at = t as f64 * 1000.0 / scene.config.fps - 27.0 + 0.6 * random.normal();
            last = last.max(at.round() as i64);
            last
        })
        .collect()
}

fn time_stamps_csv(stamps: &[i64]) -> String {
    let mut text = "Frame Number,Time Stamp (ms),Buffer Index,DAQ Frame Number\n".to_owned();
    for (frame, ms) in stamps.iter().enumerate() {
        text += &format!("{frame},{ms},0,{}\n", frame + 1);
    }
    text
}

/// A head that turns and nods slowly: unit quaternions.
fn head_orientation(scene: &Scene, stamps: &[i64]) -> String {
    let config = &scene.config;
    let mut random = Random::new(config.seed, STREAM + 1);
    let mut course = |tau: f64, reach: f64| -> Vec<f64> {
        let angles = crate::courses::wandering(&mut random, config.frames, config.fps, tau);
        crate::courses::smooth(&angles, 4.0)
            .into_iter()
            .map(|angle| angle * reach / 2.0)
            .collect()
    };
    let (yaw, pitch, roll) = (course(6.0, 1.2), course(2.0, 0.3), course(2.0, 0.25));
    let mut text = "Time Stamp (ms),qw,qx,qy,qz\n".to_owned();
    for (t, ms) in stamps.iter().enumerate() {
        let ((sy, cy), (sp, cp), (sr, cr)) = (yaw[t].sin_cos(), pitch[t].sin_cos(), roll[t].sin_cos());
        let q = [
            cr * cp * cy + sr * sp * sy,
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
        ];
        text += &format!("{ms},{:.6},{:.6},{:.6},{:.6}\n", q[0], q[1], q[2], q[3]);
    }
    text
}

fn notes(stamps: &[i64], layout: &Layout) -> String {
    let at = |share: usize| stamps.get(stamps.len() * share / 10).copied().unwrap_or(0);
    format!(
        "Time Stamp (ms), Note\n{}, animal enters the arena\n{},{},led0,20\n{}, rearing at the north wall\n",
        at(1),
        at(2),
        layout.device,
        at(6)
    )
}

/// Four spaces and sorted keys, as the DAQ software writes it.
fn indented(value: &serde_json::Value) -> String {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    // A value of plain text and numbers always has a JSON form.
    let _ = serde::Serialize::serialize(value, &mut serializer);
    String::from_utf8_lossy(&out).into_owned() + "\n"
}

fn base_metadata(scene: &Scene, layout: &Layout) -> String {
    indented(&json!({
        "animalName": "simulated",
        "baseDirectory": format!("C:/data/{}", scene.config.name),
        "cameras": [],
        "experimentName": scene.config.name,
        "miniscopes": [layout.device],
        "recordingStartTime": { "day": 10, "hour": 9, "minute": 30, "month": 10, "msec": 250, "msecSinceEpoch": STARTED_MS, "second": 0, "year": 2026 },
        "researcherName": "Calyx",
    }))
}

fn device_metadata(scene: &Scene, layout: &Layout) -> String {
    let config = &scene.config;
    let full = 608;
    let edge = |size: usize| full.max(size).saturating_sub(size) / 2;
    indented(&json!({
        "ROI": { "height": config.height, "leftEdge": edge(config.width), "topEdge": edge(config.height), "width": config.width },
        "compression": match layout.codec { Codec::Ffv1 => "FFV1", Codec::Grey => "GREY" },
        "deviceDirectory": format!("C:/data/{}/{}", config.name, layout.device),
        "deviceID": 0,
        "deviceName": layout.device,
        "deviceType": "Miniscope_V4_BNO",
        "ewl": 12,
        "frameRate": format!("{}FPS", config.fps),
        "framesPerFile": layout.frames_per_file,
        "gain": "Low",
        "led0": 20,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn scene() -> Scene {
        Scene::new(&Config {
            height: 40,
            width: 64,
            frames: 130,
            cells: 2,
            ..Config::preset("sample").unwrap()
        })
        .unwrap()
    }

    #[test]
    fn the_folder_is_what_the_daq_software_writes() {
        if Command::new("ffmpeg").arg("-version").output().is_err() {
            println!("skipped: no ffmpeg on the PATH");
            return;
        }
        let folder = std::env::temp_dir().join(format!("calyx-session-{}", std::process::id()));
        let layout = Layout {
            frames_per_file: 100,
            ..Layout::default()
        };
        let films = write(&scene(), &folder, &layout).unwrap();
        assert_eq!(films, [folder.join("Miniscope/0.avi"), folder.join("Miniscope/1.avi")]);
        let csv = std::fs::read_to_string(folder.join("Miniscope/timeStamps.csv")).unwrap();
        assert_eq!(csv.lines().count(), 131);
        assert!(csv.lines().nth(1).unwrap().split(',').nth(1).unwrap().starts_with('-'));
        let film = std::fs::read(&films[1]).unwrap();
        assert!(film.windows(4).any(|w| w == b"FFV1") && film.len() > 1000);
        assert!(folder.join("truth/truth.json").is_file());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_head_turns_by_unit_quaternions() {
        let scene = scene();
        let text = head_orientation(&scene, &time_stamps(&scene));
        for line in text.lines().skip(1) {
            let norm: f64 = line.split(',').skip(1).map(|q| q.parse::<f64>().unwrap().powi(2)).sum();
            assert!((norm - 1.0).abs() < 1e-4, "{line}");
        }
    }

    #[test]
    fn time_never_runs_backwards() {
        let stamps = time_stamps(&scene());
        assert!(stamps[0] < 0 && stamps.windows(2).all(|w| w[0] <= w[1]));
    }
}
