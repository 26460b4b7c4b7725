//! Readers on bytes that nobody wrote on purpose: a result or a sentence, never a panic, and no more memory than the bytes are worth.

use std::path::PathBuf;

use calyx_npy::{Csr, NpyError, read, read_converted, read_header, read_member, read_rows, write};
use proptest::collection::vec;
use proptest::prelude::*;

use super::runner;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("calyx-npy-any-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Every reader; what it says is a sentence.
fn read_all(path: &std::path::Path) {
    let said = [
        read::<f32>(path).err(),
        read::<u8>(path).err(),
        read_converted(path).err(),
        read_header(path).and_then(|h| h.count()).err(),
        read_rows(path, &[0, 1]).err(),
        read_rows(path, &[usize::MAX]).err(),
        Csr::read(path).err(),
        read_member(path, "data").err(),
    ];
    for error in said.into_iter().flatten() {
        assert!(!error.to_string().is_empty());
    }
}

/// Changes of single bytes and a cut.
fn damage() -> impl Strategy<Value = (Vec<(usize, u8)>, usize)> {
    (vec((any::<usize>(), any::<u8>()), 0..6), any::<usize>())
}

fn damaged(whole: &[u8], (changes, cut): &(Vec<(usize, u8)>, usize)) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for (at, value) in changes {
        let n = bytes.len();
        bytes[at % n] = *value;
    }
    // Half of them keep their length.
    if cut % 2 == 0 {
        bytes.truncate(cut / 2 % (bytes.len() + 1));
    }
    bytes
}

#[test]
fn any_bytes_are_an_array_or_are_refused() {
    let folder = Folder::new("bytes");
    let path = folder.0.join("x.npy");
    runner(400)
        .run(&vec(any::<u8>(), 0..300), |bytes| {
            std::fs::write(&path, &bytes).unwrap();
            read_all(&path);
            // The same behind the first bytes of a true one.
            std::fs::write(&path, [b"\x93NUMPY\x01\x00".as_slice(), &bytes].concat()).unwrap();
            read_all(&path);
            Ok(())
        })
        .unwrap();
}

#[test]
fn any_header_is_understood_or_refused() {
    let folder = Folder::new("header");
    let path = folder.0.join("x.npy");
    let axis = prop_oneof![
        any::<u64>().prop_map(|n| n.to_string()),
        "[0-9]{1,25}",
        Just(String::new()),
        Just("-1".to_owned()),
        (0u8..5).prop_map(|n| n.to_string())
    ];
    let header = (
        prop_oneof![
            Just("<f4"),
            Just("<f8"),
            Just(">i2"),
            Just("|u1"),
            Just("<U7"),
            Just("|O"),
            Just("")
        ],
        any::<bool>(),
        vec(axis, 0..5),
        vec(any::<u8>(), 0..40),
    );
    runner(600)
        .run(&header, |(descr, fortran, shape, data)| {
            let order = if fortran { "True" } else { "False" };
            let text = format!(
                "{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({},), }}\n",
                shape.join(", ")
            );
            let length = (text.len() as u16).to_le_bytes();
            std::fs::write(&path, [b"\x93NUMPY\x01\x00".as_slice(), &length, text.as_bytes(), &data].concat()).unwrap();
            read_all(&path);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_damaged_array_or_archive_is_read_or_refused() -> Result<(), NpyError> {
    let folder = Folder::new("damaged");
    let path = folder.0.join("x.npy");
    write(&path, &[3, 4], &[1.5f32; 12])?;
    let array = std::fs::read(&path).unwrap();
    let mut matrix = Csr::new(9);
    matrix.push_row([(1, 0.5), (7, 1.0)]);
    matrix.push_row([(2, 1.0)]);
    let archive = matrix.to_bytes()?;
    for whole in [array, archive] {
        runner(500)
            .run(&damage(), |damage| {
                std::fs::write(&path, damaged(&whole, &damage)).unwrap();
                read_all(&path);
                Ok(())
            })
            .unwrap();
    }
    Ok(())
}
