//! MAT files that nobody wrote on purpose: values or a sentence, never a panic.

use std::io::Cursor;

use calyx_mat::MatFile;
use proptest::collection::vec;
use proptest::prelude::*;

use super::runner;

fn read_all(bytes: Vec<u8>) {
    let mut file = match MatFile::new(Cursor::new(bytes)) {
        Ok(file) => file,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let names: Vec<String> = file.variables().map(|v| v.name.clone()).collect();
    for name in names.iter().map(String::as_str).chain(["missing"]) {
        let mut values = 0usize;
        let end = file.values(name, |_, _| values += 1);
        assert!(end.is_err() || name != "missing");
        // Values come from bytes that are there: packed ones grow a thousand times at most.
        assert!(values < 10_000_000);
    }
}

/// The header, then elements: a tag of any kind with a length that may lie.
#[test]
fn any_elements_are_read_or_refused() {
    let element = (
        prop_oneof![Just(1u32), Just(5), Just(6), Just(7), Just(9), Just(14), Just(15), any::<u32>()],
        prop_oneof![(0u32..64).boxed(), any::<u32>().boxed()],
        vec(any::<u8>(), 0..48),
    );
    runner(1500)
        .run(&(vec(element, 0..8), any::<bool>()), |(elements, big)| {
            let mut bytes = vec![b' '; 124];
            bytes.extend(if big { b"\x01\x00MI" } else { b"\x00\x01IM" });
            for (kind, length, data) in elements {
                for word in [kind, length] {
                    bytes.extend(if big { word.to_be_bytes() } else { word.to_le_bytes() });
                }
                bytes.extend(data);
            }
            read_all(bytes);
            Ok(())
        })
        .unwrap();
}

#[test]
fn matrices_of_any_class_and_size_are_read_or_refused() {
    let matrix = (
        0u32..20,
        vec(prop_oneof![(0u32..5).boxed(), any::<u32>().boxed()], 0..4),
        0u32..20,
        vec(any::<u8>(), 0..64),
        vec(any::<u8>(), 0..12),
    );
    runner(1500)
        .run(&matrix, |(class, shape, kind, data, name)| {
            let part = |kind: u32, bytes: &[u8]| {
                let mut out = [kind.to_le_bytes(), (bytes.len() as u32).to_le_bytes()].concat();
                out.extend(bytes);
                out.resize(out.len().next_multiple_of(8), 0);
                out
            };
            let words = |values: &[u32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
            let inner = [
                part(6, &words(&[class, 0])),
                part(5, &words(&shape)),
                part(1, &name),
                part(kind, &data),
            ]
            .concat();
            let mut bytes = vec![b' '; 124];
            bytes.extend(b"\x00\x01IM");
            bytes.extend(part(14, &inner));
            read_all(bytes);
            Ok(())
        })
        .unwrap();
}
