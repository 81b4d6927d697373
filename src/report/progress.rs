//! Progress of long work, on a terminal only.

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use sealwright_catalog::Progress;
use sealwright_core::Digest;

use super::console::Console;

/// A line that says which layer is read and how much was read so far.
pub struct LayerProgress {
    bar: ProgressBar,
}

impl LayerProgress {
    /// Shown after a moment, so that short work does not flicker.
    pub fn new(console: &Console, total_bytes: u64) -> Self {
        let bar = if console.shows_progress() {
            ProgressBar::with_draw_target(Some(total_bytes), ProgressDrawTarget::stderr_with_hz(10))
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} reading {bytes}/{total_bytes} {wide_bar} {msg}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Takes the line away.
    pub fn finish(&self) -> String {
        self.bar.finish_and_clear();
        HumanBytes(self.bar.position()).to_string()
    }
}

/// A line that says how many images are done.
pub struct ImageProgress {
    bar: ProgressBar,
}

impl ImageProgress {
    /// Shown as soon as it is known how many there are.
    pub fn new(console: &Console) -> Self {
        let target = || ProgressDrawTarget::stderr_with_hz(10);
        let bar = if console.shows_progress() {
            ProgressBar::with_draw_target(None, target())
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} images {wide_bar}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// So many of so many.
    pub fn step(&self, done: usize, of: usize) {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
    }

    /// Takes the line away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for LayerProgress {
    fn layer(&self, index: usize, of: usize, digest: &Digest) {
        self.bar.set_message(format!("layer {}/{of} {}", index + 1, digest.short()));
    }

    fn bytes(&self, compressed: u64) {
        self.bar.inc(compressed);
    }
}
