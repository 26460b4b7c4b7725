//! The files as NumPy and SciPy see them. Skips with a printed reason where no Python has both; `CALYX_PYTHON` names one.

use std::path::{Path, PathBuf};
use std::process::Command;

use calyx_npy::Csr;

const CHECK: &str = r"
import sys, numpy as np, scipy.sparse as sp
d = sys.argv[1]
a = np.load(d + '/a.npy'); assert a.dtype == np.float32 and a.shape == (2, 3) and (a == [[1, 2, 3], [4, 5, 6]]).all(), a
t = np.load(d + '/t.npy'); assert t.dtype == np.float64 and np.isnan(t[1]) and t[0] == 0.5, t
f = np.load(d + '/f.npy'); assert f.dtype == np.uint32 and f[1] == 256, f
m = sp.load_npz(d + '/m.npz'); assert m.format == 'csr' and m.shape == (3, 7) and m.dtype == np.float32, m
assert (m.toarray() == [[0, .5, 0, 0, 0, 0, 1], [0] * 7, [.25] + [0] * 6]).all()
sp.save_npz(d + '/back.npz', m.astype(np.float64)); np.save(d + '/turned.npy', a.T[:, ::-1].copy(order='F'))
";

fn python() -> Option<PathBuf> {
    let named = std::env::var_os("CALYX_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let found = Command::new(&named).args(["-c", "import numpy, scipy.sparse"]).output().ok()?;
    found.status.success().then_some(named)
}

fn example(folder: &Path) -> Csr {
    calyx_npy::write(&folder.join("a.npy"), &[2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    calyx_npy::write(&folder.join("t.npy"), &[2], &[0.5f64, f64::NAN]).unwrap();
    calyx_npy::write(&folder.join("f.npy"), &[2], &[0u32, 256]).unwrap();
    let mut matrix = Csr::new(7);
    matrix.push_row([(1, 0.5), (6, 1.0)]);
    matrix.push_row([]);
    matrix.push_row([(0, 0.25)]);
    matrix.write(&folder.join("m.npz")).unwrap();
    matrix
}

#[test]
fn numpy_and_scipy_load_what_is_written_and_the_other_way_round() {
    let Some(python) = python() else {
        println!("skipped: no python3 with numpy and scipy (CALYX_PYTHON names another)");
        return;
    };
    let folder = std::env::temp_dir().join(format!("calyx-npy-python-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let matrix = example(&folder);
    let output = Command::new(python).args(["-c", CHECK]).arg(&folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(Csr::read(&folder.join("back.npz")).unwrap(), matrix);
    let turned = calyx_npy::read::<f32>(&folder.join("turned.npy")).unwrap();
    assert_eq!((turned.shape, turned.data), (vec![3, 2], vec![4.0, 1.0, 5.0, 2.0, 6.0, 3.0]));
    std::fs::remove_dir_all(folder).unwrap();
}
