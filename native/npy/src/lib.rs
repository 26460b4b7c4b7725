//! Arrays in and out: NumPy NPY and NPZ files.
