//! A content network that puts 20 names on 64 addresses.

use super::random::Random;
use super::{ADDRESSES, Address, HOUR, Millis, NAMES, Name, busy};

/// Where it has servers; it answers by the place of the resolver that asks.
pub const PLACES: usize = 4;
/// Addresses of an answer.
const FEW: usize = 4;
/// Most answers of a place that are not its own, at the busiest hour.
const SPILL: f64 = 0.04;
/// Mean time between two moves of an address from one place to another, and until it moves back.
const MOVES: (f64, f64) = ((3 * HOUR) as f64, (8 * HOUR) as f64);

/// What a name is answered with.
#[derive(Clone, Copy)]
pub struct Answer {
    pub addresses: [Address; FEW],
    /// Whole seconds, as the protocol has it.
    pub ttl: u32,
}

/// How it chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Each place has addresses of its own, in turn; now and then a place answers for another, and
    /// addresses move between places for hours.
    ByPlace,
    /// Any of all addresses, by chance, wherever one asks.
    Anyhow,
}

/// See the module.
pub struct Cdn {
    manner: Manner,
    random: Random,
    /// Addresses of each place, the first of the next answer for each of its names.
    places: Vec<(Vec<Address>, [usize; NAMES])>,
    next_move: Millis,
    /// Moves to be taken back: when, of which place, which of its addresses, what it was.
    lent: Vec<(Millis, usize, usize, Address)>,
}

impl Cdn {
    pub fn new(manner: Manner, seed: u64) -> Self {
        let mut random = Random::new(seed, 1);
        let each = ADDRESSES / PLACES;
        let of = |place| (place * each..(place + 1) * each).map(|n| n as Address).collect();
        let places = (0..PLACES).map(|place| (of(place), [(); NAMES].map(|()| random.below(each))));
        let places = places.collect();
        let next_move = random.wait(MOVES.0);
        Self { manner, random, places, next_move, lent: Vec::new() }
    }

    /// Seconds that an answer may be kept.
    pub fn ttl(name: Name) -> u32 {
        [20, 30, 45, 60][usize::from(name) % 4]
    }

    /// An answer to a resolver of a place.
    pub fn answer(&mut self, now: Millis, name: Name, place: usize) -> Answer {
        self.move_on(now);
        let ttl = Self::ttl(name);
        let mut addresses = [0; FEW];
        if self.manner == Manner::Anyhow {
            let mut found = 0;
            while found < FEW {
                let one = self.random.below(ADDRESSES) as Address;
                if !addresses[..found].contains(&one) {
                    addresses[found] = one;
                    found += 1;
                }
            }
            return Answer { addresses, ttl };
        }
        let spills = self.random.chance(SPILL * busy(now));
        let place = if spills { self.random.below(PLACES) } else { place };
        let (own, turns) = &mut self.places[place];
        let turn = &mut turns[usize::from(name)];
        for address in &mut addresses {
            *address = own[*turn % own.len()];
            *turn += 1;
        }
        Answer { addresses, ttl }
    }

    fn move_on(&mut self, now: Millis) {
        while self.next_move <= now {
            let (to, from) = (self.random.below(PLACES), self.random.below(PLACES));
            let slot = self.random.below(ADDRESSES / PLACES);
            let guest = self.places[from].0[self.random.below(ADDRESSES / PLACES)];
            let home = &mut self.places[to].0;
            if !home.contains(&guest) {
                let back = self.next_move + self.random.wait(MOVES.1);
                self.lent.push((back, to, slot, home[slot]));
                home[slot] = guest;
            }
            self.next_move += self.random.wait(MOVES.0);
        }
        let places = &mut self.places;
        self.lent.retain(|&(back, place, slot, address)| {
            if back <= now {
                places[place].0[slot] = address;
            }
            back > now
        });
    }
}
