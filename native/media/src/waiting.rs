//! Frames far apart from one decoder that stays: it is handed the packets that a frame needs, and waits for more. A jump costs the decoding of at most one
//! group of frames, not the start of a program, which takes as long as a dozen of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::MediaError;
use crate::ffmpeg::{Answer, Decoder};
use crate::film::Film;

/// A decoder that says nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Whoever reads frame after frame has so many decoded ahead.
const AHEAD: usize = 2;

/// Told of each frame that comes out: index of its film, its number there, its bytes.
pub(crate) type OnDecoded<'a> = dyn FnMut(usize, usize, &[u8]) + 'a;

/// A decoder and where it stands: the frames `next..fed` of film `film` are on their way through it.
struct Standing {
    film: usize,
    next: usize,
    fed: usize,
    decoder: Decoder,
}

/// Decodes frames of films whose packets can be chosen. Where anything is out of the ordinary it gives nothing, and the caller reads as it reads any film.
#[derive(Default)]
pub(crate) struct WaitingDecoder {
    standing: Option<Standing>,
    /// Film and key frame of groups in which something does not decode.
    spoilt: BTreeSet<(usize, usize)>,
    /// The decoder does not answer: it is not tried again.
    mute: bool,
}

impl WaitingDecoder {
    /// Decodes frame `local` of film `film` into `out`; false, with `out` as it may be, where it gives nothing. Told of all frames on the way.
    pub(crate) fn read(
        &mut self,
        films: &[Arc<Film>],
        (film, local): (usize, usize),
        out: &mut [u8],
        on_decoded: &mut OnDecoded,
    ) -> Result<bool, MediaError> {
        let wanted = &films[film];
        if self.mute || self.spoilt.contains(&(film, wanted.key_at(local))) {
            return Ok(false);
        }
        let standing = self.standing.take().filter(|standing| films[standing.film].is_fed_like(wanted));
        let Some(mut standing) = standing.map_or_else(|| Standing::new(film, wanted), |standing| Ok(Some(standing)))? else {
            return Ok(false);
        };
        let io = |source| MediaError::Io {
            path: wanted.path().display().to_string(),
            source,
        };
        match standing.read(films, (film, local), out, on_decoded).map_err(io)? {
            Answer::Frame(_) => {
                self.standing = Some(standing);
                return Ok(true);
            }
            Answer::Wrong => {
                self.spoilt.insert((standing.film, films[standing.film].key_at(standing.next)));
            }
            Answer::Nothing => self.mute = true,
        }
        Ok(false)
    }

    /// Ends the decoder; the next frame starts another.
    pub(crate) fn rest(&mut self) {
        self.standing = None;
    }
}

impl Standing {
    fn new(film: usize, of: &Film) -> Result<Option<Self>, MediaError> {
        let decoder = of.waiting_decoder()?;
        Ok(decoder.map(|decoder| Self {
            film,
            next: 0,
            fed: 0,
            decoder,
        }))
    }

    fn read(
        &mut self,
        films: &[Arc<Film>],
        (film, local): (usize, usize),
        out: &mut [u8],
        on_decoded: &mut OnDecoded,
    ) -> std::io::Result<Answer> {
        let key = films[film].key_at(local);
        // Nothing lies between the frames on their way and those that lead to this one.
        let goes_on = film == self.film && self.next <= local && key <= self.fed;
        let ahead = if goes_on && local == self.next { AHEAD } else { 0 };
        if !goes_on {
            if let Some(wrong) = self.pull_up_to(self.fed, out, on_decoded)? {
                return Ok(wrong);
            }
            (self.film, self.next, self.fed) = (film, key, key);
        }
        let end = (local + 1 + ahead).min(usize::try_from(films[film].frames()).unwrap_or(usize::MAX));
        if self.fed < end {
            films[film].feed(&mut self.decoder, self.fed..end);
            self.fed = end;
        }
        Ok(self.pull_up_to(local + 1, out, on_decoded)?.unwrap_or(Answer::Frame(local)))
    }

    /// Takes what comes out until frame `end` is next; gives what came instead.
    fn pull_up_to(&mut self, end: usize, out: &mut [u8], on_decoded: &mut OnDecoded) -> std::io::Result<Option<Answer>> {
        while self.next < end {
            match self.decoder.next_within(PATIENCE, out)? {
                Answer::Frame(number) if number == self.next => on_decoded(self.film, number, out),
                Answer::Frame(_) => return Ok(Some(Answer::Wrong)),
                other => return Ok(Some(other)),
            }
            self.next += 1;
        }
        Ok(None)
    }
}
