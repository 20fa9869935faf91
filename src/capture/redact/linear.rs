//! Equations over bits: which of them together must be even or odd. In: equations. Out: a solution, each as likely as any
//! other. Never: an equation that contradicts those before it; it is left out.

use super::Random;

/// A set of equations in reduced echelon form: each has a bit of its own, which no other names.
#[derive(Debug, Clone)]
pub struct Equations {
    len: usize,
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    own: usize,
    bits: Vec<bool>,
    odd: bool,
}

impl Equations {
    /// No equation yet, over so many bits.
    #[must_use]
    pub const fn of(len: usize) -> Self {
        Self { len, rows: Vec::new() }
    }

    /// These bits together are to be odd, or even.
    pub fn demand(&mut self, bits: impl IntoIterator<Item = usize>, odd: bool) {
        let mut row = Row { own: 0, bits: vec![false; self.len], odd };
        for at in bits {
            if let Some(bit) = row.bits.get_mut(at) {
                *bit = !*bit;
            }
        }
        for known in &self.rows {
            if row.has(known.own) {
                row.add(known);
            }
        }
        let Some(own) = row.bits.iter().position(|bit| *bit) else { return };
        row.own = own;
        for known in self.rows.iter_mut().filter(|known| known.has(own)) {
            known.add(&row);
        }
        self.rows.push(row);
    }

    /// One of the solutions, drawn.
    pub fn solution(&self, random: &mut dyn Random) -> Vec<bool> {
        let mut bits: Vec<bool> = (0..self.len).map(|_| random.bit()).collect();
        for row in &self.rows {
            let others = row.bits.iter().zip(&bits).enumerate().filter(|(at, (named, bit))| *at != row.own && **named && **bit).count();
            if let Some(own) = bits.get_mut(row.own) {
                *own = (others % 2 == 1) != row.odd;
            }
        }
        bits
    }
}

impl Row {
    fn has(&self, at: usize) -> bool {
        self.bits.get(at).is_some_and(|bit| *bit)
    }

    fn add(&mut self, other: &Self) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(bit, other)| *bit ^= other);
        self.odd ^= other.odd;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::seeded;
    use super::*;

    #[test]
    fn every_solution_holds_every_equation_and_solutions_differ() {
        let mut equations = Equations::of(8);
        equations.demand([0, 1, 2], true);
        equations.demand([1, 2, 3], false);
        equations.demand([7], true);
        // It contradicts the one before, and is left out.
        equations.demand([7], false);
        let mut random = seeded(1);
        let solutions: Vec<Vec<bool>> = (0..50).map(|_| equations.solution(&mut random)).collect();
        for bits in &solutions {
            assert!(bits[0] ^ bits[1] ^ bits[2] && !(bits[1] ^ bits[2] ^ bits[3]) && bits[7], "{bits:?}");
        }
        assert!(solutions.iter().any(|bits| *bits != solutions[0]));
    }
}
