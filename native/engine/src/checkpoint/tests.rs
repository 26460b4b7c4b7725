use std::time::Duration;

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("calyx-checkpoint-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn reporter() -> Reporter {
    Reporter::new(Box::new(std::io::sink()), Box::new(|| Duration::ZERO), Box::new(|| None))
}

type Value = (Vec<f32>, Vec<String>, Option<u64>);

fn value() -> Value {
    let texts = (0..500).map(|i| format!("a reason that is number {i}")).collect();
    (vec![1.5, f32::NEG_INFINITY, -0.0, 1e-42], texts, None)
}

#[test]
fn what_was_kept_comes_back_bit_for_bit() {
    let (folder, reporter) = (Folder::new("back"), reporter());
    let store = Store::open(&folder.0, &reporter).unwrap();
    assert!(store.load::<Value>("seeds", "k").is_none());
    std::fs::write(store.scratch().join("large"), vec![7u8; 3 << 20]).unwrap();
    let place = store.save("seeds", "k", &value(), &["large"]).unwrap();
    let (back, found) = store.load::<Value>("seeds", "k").unwrap();
    assert_eq!((&back, &found), (&value(), &place));
    assert_eq!(back.0[2].to_bits(), (-0.0f32).to_bits());
    assert_eq!(std::fs::read(found.join("large")).unwrap().len(), 3 << 20);
    drop(store);
    assert_eq!(folder.names(), ["k"]);
    assert!(reporter.warnings().is_empty());
}

#[test]
fn a_damaged_checkpoint_is_told_of_removed_and_never_used() {
    let (folder, reporter) = (Folder::new("damaged"), reporter());
    let store = Store::open(&folder.0, &reporter).unwrap();
    type Harm<'a> = (&'a str, &'a dyn Fn(&Path));
    let damage: [Harm<'_>; 6] = [
        ("bytes instead of", &|at| {
            let bytes = std::fs::read(at.join(STATE)).unwrap();
            std::fs::write(at.join(STATE), &bytes[..bytes.len() - 1]).unwrap();
        }),
        ("has changed", &|at| {
            let mut bytes = std::fs::read(at.join(STATE)).unwrap();
            bytes[3] ^= 1;
            std::fs::write(at.join(STATE), bytes).unwrap();
        }),
        ("large", &|at| std::fs::remove_file(at.join("large")).unwrap()),
        (MANIFEST, &|at| std::fs::write(at.join(MANIFEST), b"{").unwrap()),
        ("another checkpoint", &|at| {
            let text = std::fs::read_to_string(at.join(MANIFEST)).unwrap();
            std::fs::write(at.join(MANIFEST), text.replace("seeds", "demix")).unwrap();
        }),
        (MANIFEST, &|at| std::fs::write(at.join(MANIFEST), b"").unwrap()),
    ];
    for (n, (why, harm)) in damage.into_iter().enumerate() {
        std::fs::write(store.scratch().join("large"), b"large").unwrap();
        let place = store.save("seeds", "k", &value(), &["large"]).unwrap();
        harm(&place);
        assert!(store.load::<Value>("seeds", "k").is_none());
        let warnings = reporter.warnings();
        assert_eq!((warnings.len(), warnings[n].0.as_str()), (n + 1, "cache.damaged"));
        assert!(warnings[n].1.contains(why) && warnings[n].1.contains("seeds"), "{}", warnings[n].1);
        assert!(!place.exists());
    }
}

#[test]
fn another_type_than_was_kept_is_damage_and_not_a_panic() {
    let (folder, reporter) = (Folder::new("type"), reporter());
    let store = Store::open(&folder.0, &reporter).unwrap();
    store.save("seeds", "k", &u64::MAX, &[]).unwrap();
    assert!(store.load::<Value>("seeds", "k").is_none());
    assert_eq!(reporter.warnings()[0].0, "cache.damaged");
}

#[test]
fn a_result_that_cannot_be_kept_costs_only_its_checkpoint() {
    let (folder, reporter) = (Folder::new("kept"), reporter());
    let store = Store::open(&folder.0, &reporter).unwrap();
    assert!(store.save("seeds", "k", &1u8, &["not there"]).is_none());
    assert_eq!(reporter.warnings()[0].0, "cache.not_kept");
    assert!(!store.has("k"));
}

#[test]
fn leftovers_of_processes_that_ended_go_and_those_of_living_ones_stay() {
    let (folder, reporter) = (Folder::new("leftovers"), reporter());
    // Processes have no such numbers; 1 always lives.
    for name in ["tmp-4194999", "tmp-1", "tmp-x", "other"] {
        std::fs::create_dir_all(folder.0.join(name)).unwrap();
    }
    let store = Store::open(&folder.0, &reporter).unwrap();
    drop(store);
    assert_eq!(folder.names(), ["other", "tmp-1", "tmp-x"]);
}

#[test]
fn a_checkpoint_in_use_is_marked_and_counts_as_used_last() {
    let (folder, reporter) = (Folder::new("marks"), reporter());
    let store = Store::open(&folder.0, &reporter).unwrap();
    let place = store.save("seeds", "k", &1u8, &[]).unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let file = File::options().write(true).open(place.join(MANIFEST)).unwrap();
    file.set_modified(long_ago).unwrap();
    drop(store);
    let mark = place.join(format!("{USED}{}", std::process::id()));
    assert!(!mark.exists());
    let store = Store::open(&folder.0, &reporter).unwrap();
    assert_eq!(store.load::<u8>("seeds", "k").unwrap().0, 1);
    assert!(mark.exists());
    assert!(std::fs::metadata(place.join(MANIFEST)).unwrap().modified().unwrap() > long_ago);
    drop(store);
    assert!(!mark.exists());
}
