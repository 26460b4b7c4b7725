//! The committed sample session is what the generator makes: nobody has to trust a binary file.

use std::path::Path;
use std::process::Command;

use calyx_scene::truth::Truth;
use calyx_scene::{Config, Scene};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/sample-session")
}

fn truth() -> Truth {
    serde_json::from_str(&std::fs::read_to_string(folder().join("truth/truth.json")).unwrap()).unwrap()
}

#[test]
fn it_is_small_not_square_and_has_enough_to_find() {
    let truth = truth();
    assert!(truth.frames >= 600 && truth.detectable >= 15 && truth.height != truth.width);
    let size: u64 = ["Miniscope", "truth", ""]
        .iter()
        .flat_map(|part| std::fs::read_dir(folder().join(part)).unwrap())
        .map(|entry| entry.unwrap().metadata().unwrap())
        .filter(std::fs::Metadata::is_file)
        .map(|file| file.len())
        .sum();
    assert!(size < 6 << 20, "{size}");
}

#[test]
fn its_film_shows_the_scene_of_its_seed() {
    let program = std::env::var_os("FFMPEG_BIN").unwrap_or_else(|| "ffmpeg".into());
    let film = folder().join("Miniscope/0.avi");
    let decoded = Command::new(program)
        .args(["-loglevel", "error", "-i"])
        .arg(film)
        .args(["-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .output();
    let Ok(decoded) = decoded else {
        println!("skipped: no ffmpeg on the PATH");
        return;
    };
    let config = Config::preset("sample").unwrap();
    let scene = Scene::new(&config).unwrap();
    assert_eq!(decoded.stdout.len(), config.frames * config.height * config.width);
    // A logarithm of the system's library may round one pixel in a million to the other side.
    let drawn = scene.frames(0..config.frames);
    let different = drawn.iter().zip(&decoded.stdout).filter(|(a, b)| a != b).count();
    assert!(different < 100, "{different} pixels differ");
    assert_eq!(truth().seed, config.seed);
}
