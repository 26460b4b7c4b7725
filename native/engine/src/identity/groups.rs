//! From probabilities of pairs to cells: every footprint belongs to exactly one cell, a cell has at most one footprint of a session, and the
//! sum of (P − ½) over all pairs inside cells is made as large as single moves and exchanges can make it.

use std::collections::BTreeMap;

/// A footprint: session and index in its list.
pub type Node = (usize, usize);

/// Probabilities of pairs; what is not there is 0.
#[derive(Clone, Debug, Default)]
pub struct Links {
    of: BTreeMap<Node, BTreeMap<Node, f64>>,
}

impl Links {
    /// Notes P(same) of two footprints of different sessions.
    pub fn add(&mut self, a: Node, b: Node, probability: f64) {
        self.of.entry(a).or_default().insert(b, probability);
        self.of.entry(b).or_default().insert(a, probability);
    }

    /// P(same) of two footprints.
    pub fn get(&self, a: Node, b: Node) -> f64 {
        self.of.get(&a).and_then(|links| links.get(&b)).copied().unwrap_or(0.0)
    }

    /// Everything a footprint may be the same as, with the probability.
    pub fn of(&self, a: Node) -> impl Iterator<Item = (Node, f64)> + '_ {
        self.of.get(&a).into_iter().flatten().map(|(b, p)| (*b, *p))
    }
}

/// What a pair inside one cell is worth.
fn worth(p: f64) -> f64 {
    p - 0.5
}

/// Changes smaller than this are rounding.
const GAIN: f64 = 1e-9;
/// Rounds of moves; they end much earlier by themselves.
const ROUNDS: usize = 50;

struct State<'a> {
    links: &'a Links,
    groups: Vec<Vec<Node>>,
    home: BTreeMap<Node, usize>,
}

/// Groups the footprints of sessions that have `sizes` of them. Every footprint comes in exactly one group; groups and their members rise.
pub fn group(sizes: &[usize], links: &Links) -> Vec<Vec<Node>> {
    let nodes: Vec<Node> = sizes.iter().enumerate().flat_map(|(s, n)| (0..*n).map(move |i| (s, i))).collect();
    let mut state = State {
        links,
        groups: nodes.iter().map(|node| vec![*node]).collect(),
        home: nodes.iter().enumerate().map(|(i, node)| (*node, i)).collect(),
    };
    state.merge(&nodes);
    for _ in 0..ROUNDS {
        let changes = nodes.iter().filter(|node| state.improve(**node)).count();
        if changes == 0 {
            break;
        }
    }
    let mut groups = state.groups;
    groups.retain(|group| !group.is_empty());
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort_unstable();
    groups
}

impl State<'_> {
    /// Joins groups along the most probable pairs first, where that is worth it and no session would come twice.
    fn merge(&mut self, nodes: &[Node]) {
        let mut pairs: Vec<(f64, Node, Node)> = nodes
            .iter()
            .flat_map(|a| {
                self.links
                    .of(*a)
                    .filter(move |(b, p)| a < b && *p > 0.5)
                    .map(move |(b, p)| (p, *a, b))
            })
            .collect();
        pairs.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
        for (_, a, b) in pairs {
            let (ga, gb) = (self.home[&a], self.home[&b]);
            if ga == gb {
                continue;
            }
            let clash = self.groups[ga].iter().any(|(s, _)| self.groups[gb].iter().any(|(t, _)| s == t));
            let gain: f64 = self.groups[ga]
                .iter()
                .flat_map(|x| self.groups[gb].iter().map(move |y| (*x, *y)))
                .map(|(x, y)| worth(self.links.get(x, y)))
                .sum();
            if !clash && gain > GAIN {
                for node in std::mem::take(&mut self.groups[gb]) {
                    self.put(node, ga);
                }
            }
        }
    }

    fn put(&mut self, node: Node, group: usize) {
        self.groups[group].push(node);
        self.home.insert(node, group);
    }

    fn take(&mut self, node: Node) {
        let group = self.home[&node];
        self.groups[group].retain(|other| *other != node);
    }

    /// What `node` is worth in a group, without `absent`.
    fn value(&self, node: Node, group: usize, absent: Option<Node>) -> f64 {
        self.groups[group]
            .iter()
            .filter(|other| **other != node && Some(**other) != absent)
            .map(|other| worth(self.links.get(node, *other)))
            .sum()
    }

    /// Where a footprint that must leave `gone` is worth most: a neighbour's group without one of its session (that of `leaving` counts as
    /// free), or alone. Gives the worth and the group.
    fn refuge(&self, rival: Node, gone: usize, leaving: Node) -> (f64, Option<usize>) {
        let mut best = (0.0, None);
        for (other, _) in self.links.of(rival) {
            let group = self.home[&other];
            let taken = self.groups[group].iter().any(|member| member.0 == rival.0 && *member != leaving);
            let value = self.value(rival, group, Some(leaving));
            if group != gone && !taken && value > best.0 + GAIN {
                best = (value, Some(group));
            }
        }
        best
    }

    /// Moves a footprint to where it is worth most: alone, or into a neighbour's group, whose footprint of the same session then goes where it
    /// is worth most in its turn. True when something changed.
    fn improve(&mut self, node: Node) -> bool {
        let from = self.home[&node];
        let now = self.value(node, from, None);
        // The gain, the group (none: alone), and who makes room with the place it goes to.
        let mut best = (-now, None, None);
        let mut targets: Vec<usize> = self
            .links
            .of(node)
            .map(|(other, _)| self.home[&other])
            .filter(|g| *g != from)
            .collect();
        targets.sort_unstable();
        targets.dedup();
        for target in targets {
            let rival = self.groups[target].iter().copied().find(|(s, _)| *s == node.0);
            let mut gain = self.value(node, target, rival) - now;
            let mut moved = None;
            if let Some(rival) = rival {
                let (value, place) = self.refuge(rival, target, node);
                gain += value - self.value(rival, target, None);
                moved = Some((rival, place));
            }
            if gain > best.0 + GAIN {
                best = (gain, Some(target), moved);
            }
        }
        let (gain, target, moved) = best;
        if gain <= GAIN {
            return false;
        }
        self.take(node);
        if let Some((rival, place)) = moved {
            self.take(rival);
            self.settle(rival, place);
        }
        self.settle(node, target);
        true
    }

    fn settle(&mut self, node: Node, group: Option<usize>) {
        match group {
            Some(group) => self.put(node, group),
            None => self.alone(node),
        }
    }

    fn alone(&mut self, node: Node) {
        self.groups.push(Vec::new());
        let group = self.groups.len() - 1;
        self.put(node, group);
    }
}

/// How sure the identity of one footprint is, 0 … 1 (the register score of Sheintuch et al. 2017, with probabilities in the place of counts):
/// over the other sessions that could hold the cell, the mean of P(same) with its own member, or of 1 − P with the most probable other
/// footprint where the cell has none; a rival of its own member counts against it too.
pub fn score(node: Node, group: &[Node], sessions: usize, links: &Links) -> f64 {
    let (mut sum, mut n) = (0.0, 0usize);
    for session in (0..sessions).filter(|s| *s != node.0) {
        let member = group.iter().copied().find(|(s, _)| *s == session);
        let rival = links
            .of(node)
            .filter(|(other, _)| other.0 == session && Some(*other) != member)
            .map(|(_, p)| p)
            .fold(0.0, f64::max);
        sum += match member {
            Some(member) => links.get(node, member) * (1.0 - 0.5 * rival),
            None => 1.0 - rival,
        };
        n += 1;
    }
    if n == 0 { 1.0 } else { sum / n as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(pairs: &[(Node, Node, f64)]) -> Links {
        let mut links = Links::default();
        pairs.iter().for_each(|(a, b, p)| links.add(*a, *b, *p));
        links
    }

    /// The best sum over all ways to group, by trying every one.
    fn exhaustive(nodes: &[Node], links: &Links) -> f64 {
        fn go(rest: &[Node], groups: &mut Vec<Vec<Node>>, links: &Links) -> f64 {
            let Some((node, rest)) = rest.split_first() else { return 0.0 };
            let mut best = f64::NEG_INFINITY;
            for g in 0..=groups.len() {
                if g == groups.len() {
                    groups.push(Vec::new());
                }
                if groups[g].iter().all(|(s, _)| *s != node.0) {
                    let gain: f64 = groups[g].iter().map(|other| worth(links.get(*node, *other))).sum();
                    groups[g].push(*node);
                    best = best.max(gain + go(rest, groups, links));
                    groups[g].pop();
                }
                if groups[g].is_empty() {
                    groups.pop();
                    break;
                }
            }
            best
        }
        go(nodes, &mut Vec::new(), links)
    }

    fn total(groups: &[Vec<Node>], links: &Links) -> f64 {
        groups
            .iter()
            .flat_map(|g| {
                g.iter()
                    .enumerate()
                    .flat_map(move |(k, a)| g[k + 1..].iter().map(move |b| (*a, *b)))
            })
            .map(|(a, b)| worth(links.get(a, b)))
            .sum()
    }

    #[test]
    fn a_session_comes_once_in_a_group_and_every_footprint_once() {
        let links = links(&[
            ((0, 0), (1, 0), 0.9),
            ((0, 0), (1, 1), 0.95),
            ((1, 0), (2, 0), 0.8),
            ((0, 0), (2, 0), 0.7),
        ]);
        let groups = group(&[1, 2, 2], &links);
        let mut all: Vec<Node> = groups.concat();
        all.sort_unstable();
        assert_eq!(all, [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1)]);
        for g in &groups {
            assert!(g.windows(2).all(|w| w[0].0 < w[1].0), "{g:?}");
        }
        // 0.9 + 0.8 + 0.7 in one cell beats 0.95.
        assert!(groups.contains(&vec![(0, 0), (1, 0), (2, 0)]));
    }

    #[test]
    fn the_most_probable_pair_gives_way_when_two_others_are_better() {
        let links = links(&[((0, 0), (1, 0), 0.99), ((0, 0), (1, 1), 0.9), ((0, 1), (1, 0), 0.9)]);
        assert_eq!(group(&[2, 2], &links), [vec![(0, 0), (1, 1)], vec![(0, 1), (1, 0)]]);
    }

    #[test]
    fn small_cases_are_within_a_hair_of_the_best_there_is() {
        let mut seed = 5u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 40) as f64 / (1u64 << 24) as f64
        };
        let (mut reached, mut best) = (0.0, 0.0);
        for _ in 0..60 {
            let mut links = Links::default();
            let nodes: Vec<Node> = (0..3).flat_map(|s| (0..3).map(move |i| (s, i))).collect();
            for a in &nodes {
                for b in nodes.iter().filter(|b| a.0 < b.0) {
                    links.add(*a, *b, next().powi(2));
                }
            }
            let (got, wanted) = (total(&group(&[3, 3, 3], &links), &links), exhaustive(&nodes, &links));
            assert!(got <= wanted + 1e-9);
            reached += got;
            best += wanted;
        }
        assert!(reached > 0.97 * best, "{reached} of {best}");
    }

    #[test]
    fn the_score_falls_with_doubt() {
        let links = links(&[((0, 0), (1, 0), 0.9), ((0, 0), (1, 1), 0.4), ((0, 1), (1, 1), 1.0)]);
        let sure = score((0, 1), &[(0, 1), (1, 1)], 2, &links);
        let doubt = score((0, 0), &[(0, 0), (1, 0)], 2, &links);
        let single = score((0, 0), &[(0, 0)], 2, &links);
        assert_eq!(sure, 1.0);
        assert!((doubt - 0.72).abs() < 1e-12 && (single - 0.1).abs() < 1e-12, "{doubt} {single}");
    }
}
