//! Picks the side of each request, exact over any 100 requests in a row.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::domain::{Side, Split};

/// The active split for the request path: one atomic value and a counter.
///
/// Request `n` goes to green when the running total `n * green / 100` rises at `n`. The pattern has a period of 100
/// and is evenly interleaved. So any 100 consecutive requests include exactly `green` for green.
#[derive(Debug)]
pub(super) struct Picker {
    green: AtomicU8,
    turn: AtomicU64,
}

impl Picker {
    pub(super) fn new(split: Split) -> Self {
        Self { green: AtomicU8::new(split.share(Side::Green)), turn: AtomicU64::new(0) }
    }

    pub(super) fn set(&self, split: Split) {
        self.green.store(split.share(Side::Green), Ordering::Release);
    }

    pub(super) fn pick(&self) -> Side {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % 100;
        let green = u64::from(self.green.load(Ordering::Acquire));
        if (turn + 1) * green / 100 == turn * green / 100 { Side::Blue } else { Side::Green }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_hundred_in_a_row_are_exact_and_evenly_spread() {
        for green in 0..=100_u8 {
            let picker = Picker::new(Split::toward(Side::Green, green));
            let picks: Vec<bool> = (0..400).map(|_| picker.pick() == Side::Green).collect();
            for window in picks.windows(100) {
                assert_eq!(window.iter().filter(|pick| **pick).count(), usize::from(green));
            }
            for window in picks.windows(10) {
                let got = window.iter().filter(|pick| **pick).count() as f64;
                assert!((got - f64::from(green) / 10.0).abs() <= 1.0, "{green}: {got} of 10");
            }
        }
    }

    #[test]
    fn a_new_split_counts_from_the_next_request() {
        let picker = Picker::new(Split::all(Side::Blue));
        assert_eq!(picker.pick(), Side::Blue);
        picker.set(Split::all(Side::Green));
        assert!((0..200).all(|_| picker.pick() == Side::Green));
    }
}
