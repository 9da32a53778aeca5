//! Radix trees over bytes in one arena: which lists of numbers stand at a prefix of a text. Pure data structure; knows
//! neither routes nor rules.
//!
//! Every place holds two lists, one for each [`Side`]. A walk costs what the text is long, not what the tree is large.

use crate::courtesy::breathe;

/// "No such place".
const NONE: u32 = u32::MAX;

/// From this many children on, a binary search is quicker than a linear one.
const WIDE: usize = 16;

/// A tree of a [`Forest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Root(u32);

/// A place in a tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(u32);

/// Which of the two lists of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Texts that match by standing there.
    Plain,
    /// Texts of which only the start is known.
    Regex,
}

/// Trees, fixed.
#[derive(Debug, Default)]
pub(super) struct Forest {
    nodes: Vec<Node>,
    lists: Vec<List>,
    /// Bytes of all edges.
    edges: Vec<u8>,
    /// First bytes of children, node by node, each node's sorted.
    firsts: Vec<u8>,
    /// The children in the order of `firsts`.
    children: Vec<u32>,
    values: Vec<u32>,
}

#[derive(Debug)]
struct Node {
    edge: (u32, u32),
    children: (u32, u32),
    /// The nearest list on the way from here to the root, by side.
    nearest: [u32; 2],
}

#[derive(Debug)]
struct List {
    values: (u32, u32),
    depth: u32,
    up: u32,
}

/// The numbers that stand at one prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    /// In the order in which they were added; never empty.
    pub(super) values: &'a [u32],
    /// How long the prefix is.
    pub(super) depth: u32,
}

/// A tree that grows.
#[derive(Debug)]
pub(super) struct Tree(Vec<Growing>);

#[derive(Debug, Default)]
struct Growing {
    edge: Vec<u8>,
    children: Vec<(u8, usize)>,
    values: [Vec<u32>; 2],
}

// === impl Tree ===

impl Default for Tree {
    fn default() -> Self {
        Self(vec![Growing::default()])
    }
}

impl Tree {
    /// Adds a number at a text.
    pub(super) fn add(&mut self, text: &[u8], side: Side, value: u32) {
        let (mut at, mut rest) = (0, text);
        while let Some((&first, _)) = rest.split_first() {
            let Some(child) = self.child(at, first) else {
                at = self.grow(at, Growing { edge: rest.to_vec(), ..Growing::default() });
                break;
            };
            let common = common(&self.0[child].edge, rest);
            if common < self.0[child].edge.len() {
                self.split(child, common);
            }
            (at, rest) = (child, &rest[common..]);
        }
        self.0[at].values[side as usize].push(value);
    }

    fn child(&self, at: usize, first: u8) -> Option<usize> {
        self.0[at].children.iter().find(|(byte, _)| *byte == first).map(|(_, child)| *child)
    }

    fn grow(&mut self, at: usize, node: Growing) -> usize {
        let (index, first) = (self.0.len(), node.edge.first().copied().unwrap_or_default());
        self.0.push(node);
        self.0[at].children.push((first, index));
        index
    }

    /// Cuts a node's edge; the rest of it, with all that hangs on it, becomes a child.
    fn split(&mut self, at: usize, keep: usize) {
        let tail = self.0[at].edge.split_off(keep);
        let edge = std::mem::take(&mut self.0[at].edge);
        let lower = std::mem::replace(&mut self.0[at], Growing { edge, ..Growing::default() });
        self.grow(at, Growing { edge: tail, ..lower });
    }
}

fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

// === impl Forest ===

impl Forest {
    /// Plants a tree.
    pub(super) fn plant(&mut self, mut tree: Tree) -> Root {
        let root = number(self.nodes.len());
        // Places still to fix: number in the tree, number here, depth and nearest lists of the place above.
        let mut open = vec![(0, root, 0_u32, [NONE; 2])];
        self.nodes.push(Node::UNFIXED);
        while let Some((from, to, above, nearest)) = open.pop() {
            breathe();
            let node = std::mem::take(&mut tree.0[from]);
            let depth = above + number(node.edge.len());
            let nearest =
                [self.list(&node, Side::Plain, depth, nearest), self.list(&node, Side::Regex, depth, nearest)];
            let mut children = node.children;
            children.sort_unstable();
            let edge = append(&mut self.edges, &node.edge);
            let first = number(self.nodes.len());
            let numbers: Vec<_> = (first..).take(children.len()).collect();
            append(&mut self.firsts, &children.iter().map(|(byte, _)| *byte).collect::<Vec<_>>());
            self.nodes[to as usize] = Node { edge, children: append(&mut self.children, &numbers), nearest };
            self.nodes.extend(children.iter().map(|_| Node::UNFIXED));
            open.extend(children.iter().zip(numbers).map(|((_, from), to)| (*from, to, depth, nearest)));
        }
        Root(root)
    }

    fn list(&mut self, node: &Growing, side: Side, depth: u32, nearest: [u32; 2]) -> u32 {
        let (values, up) = (&node.values[side as usize], nearest[side as usize]);
        if values.is_empty() {
            return up;
        }
        let values = append(&mut self.values, values);
        self.lists.push(List { values, depth, up });
        number(self.lists.len() - 1)
    }

    /// All numbers of a side that stand at a prefix of the text, longest prefix first.
    pub(super) fn prefixes(&self, place: Place, side: Side) -> impl Iterator<Item = Found<'_>> {
        let mut next = self.nodes[place.0 as usize].nearest[side as usize];
        std::iter::from_fn(move || {
            let list = self.lists.get(next as usize)?;
            next = list.up;
            Some(Found { values: slice(&self.values, list.values), depth: list.depth })
        })
    }

    /// The last place on the way of a text.
    pub(super) fn descend(&self, root: Root, text: &[u8]) -> Place {
        let (mut at, mut rest) = (root.0, text);
        while let Some((child, after)) = self.step(at, rest) {
            (at, rest) = (child, after);
        }
        Place(at)
    }

    fn step<'a>(&self, at: u32, rest: &'a [u8]) -> Option<(u32, &'a [u8])> {
        let first = rest.first()?;
        let children = self.nodes[at as usize].children;
        let firsts = slice(&self.firsts, children);
        let index = if firsts.len() < WIDE {
            firsts.iter().position(|byte| byte == first)?
        } else {
            firsts.binary_search(first).ok()?
        };
        let child = slice(&self.children, children)[index];
        let edge = slice(&self.edges, self.nodes[child as usize].edge);
        Some((child, rest.strip_prefix(edge)?))
    }
}

// === impl Node ===

impl Node {
    const UNFIXED: Self = Self { edge: (0, 0), children: (0, 0), nearest: [NONE; 2] };
}

/// Appends, and tells where.
fn append<T: Copy>(all: &mut Vec<T>, part: &[T]) -> (u32, u32) {
    let start = all.len();
    all.extend_from_slice(part);
    (number(start), number(all.len()))
}

fn slice<T>(all: &[T], (start, end): (u32, u32)) -> &[T] {
    &all[start as usize..end as usize]
}

/// Saturates: an arena of four thousand million entries does not fit into memory.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::{Forest, Side, Tree};
    use proptest::prelude::*;

    fn found(forest: &Forest, root: super::Root, text: &str, side: Side) -> Vec<(Vec<u32>, u32)> {
        let place = forest.descend(root, text.as_bytes());
        forest.prefixes(place, side).map(|found| (found.values.to_vec(), found.depth)).collect()
    }

    #[test]
    fn prefixes_come_longest_first_and_by_side() {
        let mut tree = Tree::default();
        for (value, text) in ["/", "/path", "/path/deep", "/part", "/path"].into_iter().enumerate() {
            tree.add(text.as_bytes(), Side::Plain, u32::try_from(value).unwrap());
        }
        tree.add(b"/pa", Side::Regex, 9);
        let mut forest = Forest::default();
        let root = forest.plant(tree);
        assert_eq!(found(&forest, root, "/path/de", Side::Plain), [(vec![1, 4], 5), (vec![0], 1)]);
        assert_eq!(found(&forest, root, "/path/de", Side::Regex), [(vec![9], 3)]);
        assert_eq!(found(&forest, root, "x", Side::Plain), []);
    }

    #[test]
    fn a_long_chain_of_prefixes_needs_no_deep_stack() {
        let mut tree = Tree::default();
        let text = "a".repeat(3_000);
        for length in 1..=text.len() {
            tree.add(&text.as_bytes()[..length], Side::Plain, 0);
        }
        let mut forest = Forest::default();
        let root = forest.plant(tree);
        assert_eq!(found(&forest, root, &text, Side::Plain).len(), text.len());
    }

    proptest! {
        #[test]
        fn a_forest_is_a_list_of_prefixes(
            first in proptest::collection::vec(("[ab/]{0,5}", any::<bool>()), 0..20),
            second in proptest::collection::vec("\\PC{0,3}", 0..40),
            text in "[ab/]{0,7}|\\PC{0,4}",
        ) {
            let mut forest = Forest::default();
            let sided = |list: &[(String, bool)]| {
                let mut tree = Tree::default();
                for (value, (text, plain)) in list.iter().enumerate() {
                    let side = if *plain { Side::Plain } else { Side::Regex };
                    tree.add(text.as_bytes(), side, u32::try_from(value).unwrap());
                }
                tree
            };
            let second: Vec<_> = second.into_iter().map(|text| (text, true)).collect();
            let roots = [forest.plant(sided(&first)), forest.plant(sided(&second))];
            for (root, list) in roots.into_iter().zip([first, second]) {
                let mut expected: Vec<_> = list.iter().zip(0_u32..).filter(|((t, p), _)| *p && text.starts_with(&**t)).collect();
                expected.sort_by_key(|((t, _), value)| (std::cmp::Reverse(t.len()), *value));
                let expected: Vec<_> = expected.into_iter().map(|(_, value)| value).collect();
                let got: Vec<_> = found(&forest, root, &text, Side::Plain).into_iter().flat_map(|(v, _)| v).collect();
                prop_assert_eq!(got, expected);
            }
        }
    }
}
