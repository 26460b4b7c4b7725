//! Real films, where they are at hand: no truth is known, but what would plainly be wrong is.

use calyx_science::real::{lens, minian, real};
use calyx_science::{Temporary, ffmpeg, try_films};
use serde_json::json;

fn skip(what: &str) {
    println!("skipped: {what} is not there (CALYX_SHARED), or no ffmpeg on the PATH (FFMPEG_BIN)");
}

#[test]
fn through_a_lens_no_cell_is_seen_where_no_light_comes_from() {
    let Some(found) = ffmpeg().then(|| lens(None)).flatten() else {
        return skip("the film v4-grin-h264");
    };
    println!("{found:?}");
    assert_eq!(found.outside, 0, "{found:?}");
    assert!(found.inside >= 80, "{found:?}");
    // The disc that was found is one: it fills most of the frame's height and no more than the frame.
    assert!((0.8..1.2).contains(&found.radius), "{found:?}");
}

#[test]
fn the_cells_of_minian_are_found_on_its_own_film() {
    let Some(found) = ffmpeg().then(|| minian(None)).flatten() else {
        return skip("MiniAn's film and result");
    };
    println!("{found:?}");
    assert_eq!(found.units, 75);
    // Hand-tuned CaImAn finds 62.
    assert!(found.matched >= 62, "{found:?}");
}

#[test]
fn short_lying_and_broken_films_end_with_a_result_or_a_sentence() {
    for film in [
        "inscopix-1p/movie_part1_108x122x200.avi",
        "inscopix-1p/movie_part2_108x122x126.avi",
        "mio-wireless/wireless_corrupted.avi",
        "mio-wireless/stream_daq_test_output_200px.avi",
    ] {
        let Some(path) = real(film).filter(|_| ffmpeg()) else {
            skip(film);
            continue;
        };
        let work = Temporary::new(&film.replace('/', "-"));
        match try_films(&[path], &[], 20.0, &work.0, &json!({})) {
            Ok(run) => assert!(run.join("metrics.json").is_file(), "{film}"),
            // An input that cannot be processed is told with what to do about it.
            Err((code, said)) => assert!(
                code == Some(3) && said.contains("\"hint\""),
                "{film}: {said}"
            ),
        }
    }
}
