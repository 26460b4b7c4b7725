//! Run-time choice of the instruction set for whole per-frame kernels.
//!
//! A kernel is written once as an `#[inline(always)]` body; [`dispatch`] makes the function that runs it compiled for AVX2 where the
//! processor has it. Nothing contracts `a * b + c` to one rounding, so both give the same bits.

/// Defines a function with two builds of `$body(args…)` and chooses between them at run time.
macro_rules! dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? = $body:path) => {
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn wide($($arg: $type),*) $(-> $out)? {
                    $body($($arg),*)
                }
                if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
                    // SAFETY: the processor was just asked for these features.
                    return unsafe { wide($($arg),*) };
                }
            }
            $body($($arg),*)
        }
    };
}
pub(crate) use dispatch;
