//! Files made by hand, byte by byte, as the format's description has them.

use std::io::{Cursor, Write};

use super::*;

fn words(order: ByteOrder, values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|v| match order {
            ByteOrder::Little => v.to_le_bytes(),
            ByteOrder::Big => v.to_be_bytes(),
        })
        .collect()
}

fn element(order: ByteOrder, kind: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = words(order, &[kind, bytes.len() as u32]);
    out.extend_from_slice(bytes);
    out.resize(out.len().next_multiple_of(8), 0);
    out
}

/// A matrix element; `short` writes the name in the short form.
fn matrix(order: ByteOrder, class: u32, name: &str, shape: &[u32], kind: u32, data: &[u8], short: bool) -> Vec<u8> {
    let mut inner = element(order, 6, &words(order, &[class, 0]));
    inner.extend(element(order, 5, &words(order, shape)));
    if short {
        inner.extend(words(order, &[(name.len() as u32) << 16 | 1]));
        let mut bytes = name.as_bytes().to_vec();
        bytes.resize(4, 0);
        inner.extend(bytes);
    } else {
        inner.extend(element(order, 1, name.as_bytes()));
    }
    inner.extend(element(order, kind, data));
    element(order, MATRIX_KIND, &inner)
}

const MATRIX_KIND: u32 = element::MATRIX;

fn file(order: ByteOrder, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"MATLAB 5.0 MAT-file, made by hand".to_vec();
    out.resize(124, b' ');
    match order {
        ByteOrder::Little => out.extend(b"\x00\x01IM"),
        ByteOrder::Big => out.extend(b"\x01\x00MI"),
    }
    out.extend(parts.concat());
    out
}

fn packed(order: ByteOrder, inner: &[u8]) -> Vec<u8> {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(inner).unwrap();
    let bytes = zlib.finish().unwrap();
    let mut out = words(order, &[element::COMPRESSED, bytes.len() as u32]);
    out.extend(bytes);
    out
}

fn values_of(bytes: Vec<u8>, name: &str) -> Result<(Variable, Vec<f64>), MatError> {
    let mut values = Vec::new();
    let variable = MatFile::new(Cursor::new(bytes))?.values(name, |i, value| {
        assert_eq!(i, values.len());
        values.push(value);
    })?;
    Ok((variable, values))
}

#[test]
fn numbers_come_back_in_either_byte_order_packed_or_not() {
    let wanted = [0.0, -1.5, 1e-3, 4.0, 5.0, f64::INFINITY];
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let data: Vec<u8> = wanted
            .iter()
            .flat_map(|v| match order {
                ByteOrder::Little => v.to_le_bytes(),
                ByteOrder::Big => v.to_be_bytes(),
            })
            .collect();
        let plain = matrix(order, 6, "allFiltersMat", &[1, 2, 3], 9, &data, false);
        for parts in [vec![plain.clone()], vec![packed(order, &plain)]] {
            let (variable, values) = values_of(file(order, &parts), "allFiltersMat").unwrap();
            assert_eq!((variable.shape, values.as_slice()), (vec![1, 2, 3], wanted.as_slice()));
        }
    }
}

#[test]
fn values_kept_in_smaller_types_are_widened() {
    let order = ByteOrder::Big;
    for (kind, data, wanted) in [
        (1u32, vec![0xff, 2], [-1.0, 2.0]),
        (2, vec![0xff, 2], [255.0, 2.0]),
        (3, vec![0xff, 0xfe, 0, 2], [-2.0, 2.0]),
        (4, vec![1, 0, 0, 2], [256.0, 2.0]),
        (5, vec![0xff, 0xff, 0xff, 0xff, 0, 0, 0, 7], [-1.0, 7.0]),
        (7, [1.25f32.to_be_bytes(), 0.0f32.to_be_bytes()].concat(), [1.25, 0.0]),
        (12, [(-3i64).to_be_bytes(), 9i64.to_be_bytes()].concat(), [-3.0, 9.0]),
    ] {
        let bytes = file(order, &[matrix(order, 6, "x", &[1, 2], kind, &data, true)]);
        assert_eq!(values_of(bytes, "x").unwrap().1, wanted, "type {kind}");
    }
}

#[test]
fn variables_are_listed_and_others_than_numbers_are_told_apart() {
    let order = ByteOrder::Little;
    let parts = [
        matrix(order, 4, "note", &[1, 2], 4, &[104, 0, 105, 0], true),
        packed(order, &matrix(order, 7, "b", &[2, 1], 2, &[1, 2], true)),
    ];
    let file = MatFile::new(Cursor::new(file(order, &parts))).unwrap();
    let listed: Vec<_> = file.variables().map(|v| (v.name.as_str(), v.numeric, v.shape.clone())).collect();
    assert_eq!(listed, [("note", false, vec![1, 2]), ("b", true, vec![2, 1])]);
}

#[test]
fn newer_and_other_files_are_refused_with_what_to_do() {
    let mut newer = b"MATLAB 7.3 MAT-file".to_vec();
    newer.resize(512, b' ');
    newer.extend(HDF5);
    let said = |bytes: Vec<u8>| MatFile::new(Cursor::new(bytes)).err().unwrap().to_string();
    assert!(said(newer).contains("-v7'"));
    assert!(said(HDF5.to_vec()).contains("7.3"));
    assert!(said(Vec::new()).contains("not a MAT 5 file"));
    assert!(said(vec![b'x'; 300]).contains("not a MAT 5 file"));
}

#[test]
fn sizes_that_do_not_agree_are_refused() {
    let order = ByteOrder::Little;
    for shape in [[3, 1], [0x7fff_ffff, 0x7fff_ffff], [0, 2]] {
        let bytes = file(order, &[matrix(order, 6, "x", &shape, 2, &[1, 2], true)]);
        assert!(values_of(bytes, "x").unwrap_err().to_string().contains("damaged"));
    }
    let bytes = file(order, &[matrix(order, 6, "x", &[0xffff_ffff, 2], 2, &[1, 2], true)]);
    assert!(MatFile::new(Cursor::new(bytes)).is_err());
}

#[test]
fn no_cut_or_changed_byte_makes_it_panic() {
    let order = ByteOrder::Little;
    let plain = matrix(order, 6, "allFiltersMat", &[2, 2, 2], 2, &[1, 2, 3, 4, 5, 6, 7, 8], false);
    let whole = file(order, &[plain.clone(), packed(order, &plain)]);
    for n in 0..whole.len() {
        let _ = values_of(whole[..n].to_vec(), "allFiltersMat");
        for flip in [1u8, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[n] ^= flip;
            let _ = values_of(changed, "allFiltersMat");
        }
    }
}
