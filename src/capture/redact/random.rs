//! What is drawn: no room in the middle makes random numbers, so the caller's are an argument.
//!
//! In: whole numbers, each as likely as any other. Out: numbers and bytes. Never: a source of its own.

use std::ops::RangeInclusive;

/// A source of random numbers. A closure that draws one is such a source.
pub trait Random {
    /// The next number.
    fn draw(&mut self) -> u64;

    /// As many bits as a field can have.
    fn wide(&mut self) -> u128 {
        u128::from(self.draw()) << 64 | u128::from(self.draw())
    }

    /// A byte between these two, both included. (64 bits are no multiple of their count, but the difference is too small to
    /// notice.)
    fn between(&mut self, range: RangeInclusive<u8>) -> u8 {
        let (least, most) = range.into_inner();
        least.saturating_add((self.draw() % (u64::from(most.saturating_sub(least)) + 1)) as u8)
    }
}

impl<F: FnMut() -> u64> Random for F {
    fn draw(&mut self) -> u64 {
        self()
    }
}
