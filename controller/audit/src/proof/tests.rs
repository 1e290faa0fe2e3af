use super::*;

fn leaf(index: u64) -> Digest {
    Digest::of_leaf(&index.to_be_bytes())
}

fn tree(size: u64) -> Tree {
    let mut tree = Tree::default();
    (0..size).for_each(|index| tree.push(leaf(index)));
    tree
}

fn proof(ranges: &[Range], pruned: u64, size: u64) -> Result<Proof, ProofError> {
    let mut hasher = Ranges::new(ranges, &tree(pruned))?;
    (pruned..size).for_each(|index| hasher.push(leaf(index)));
    hasher.finish()
}

/// The definition, word for word (RFC 9162, section 2.1.1).
fn definition(from: u64, to: u64) -> Digest {
    match to - from {
        1 => leaf(from),
        size => {
            let middle = from + split(size);
            Digest::of_node(&definition(from, middle), &definition(middle, to))
        }
    }
}

#[test]
fn every_leaf_of_every_tree_is_proven_and_no_other() {
    for size in 1..40 {
        let root = tree(size).root();
        assert_eq!(root, definition(0, size));
        for index in 0..size {
            for pruned in 0..=index {
                let path = proof(&inclusion(index, size).unwrap(), pruned, size).unwrap();
                check_inclusion(index, leaf(index), size, &root, &path).unwrap();
                assert!(check_inclusion(index, leaf(size), size, &root, &path).is_err());
                let other = (index + 1) % size;
                if size > 1 {
                    assert!(check_inclusion(other, leaf(index), size, &root, &path).is_err());
                    assert!(check_inclusion(index, leaf(index), size, &root, &path[1..]).is_err());
                }
            }
            assert!(
                size == 1
                    || proof(&inclusion(index, size).unwrap(), 0, size - 1).is_err()
                    || index == size - 1
            );
        }
        assert_eq!(inclusion(size, size), Err(ProofError::Outside { index: size, size }));
    }
}

#[test]
fn every_beginning_of_every_tree_is_proven_and_no_other() {
    for new in 1..40 {
        let (root, other) = (tree(new).root(), tree(new + 1).root());
        for old in 1..=new {
            let ranges = consistency(old, new).unwrap();
            let hashes = proof(&ranges, 0, new).unwrap();
            let old_root = tree(old).root();
            check_consistency((old, &old_root), (new, &root), &hashes).unwrap();
            assert!(check_consistency((old, &other), (new, &root), &hashes).is_err());
            assert!(check_consistency((old, &old_root), (new, &other), &hashes).is_err());
            if let Some(last) = hashes.len().checked_sub(1) {
                assert!(
                    check_consistency((old, &old_root), (new, &root), &hashes[..last]).is_err()
                );
            }
            // What the old tree consists of may be gone.
            assert_eq!(proof(&ranges, old, new).as_deref().unwrap_or(&hashes), hashes);
        }
        assert!(consistency(0, new).is_err() && consistency(new + 1, new).is_err());
    }
}

/// Hashes and paths of Certificate Transparency's own tests (leaves as in `tree.rs`).
#[test]
fn ranges_are_those_of_the_rfc() {
    // RFC 9162, section 2.1.5: seven leaves; PATH(0), PATH(3), PATH(4), PATH(6).
    assert_eq!(inclusion(0, 7).unwrap(), [(1, 2), (2, 4), (4, 7)]);
    assert_eq!(inclusion(3, 7).unwrap(), [(2, 3), (0, 2), (4, 7)]);
    assert_eq!(inclusion(4, 7).unwrap(), [(5, 6), (6, 7), (0, 4)]);
    assert_eq!(inclusion(6, 7).unwrap(), [(4, 6), (0, 4)]);
    // PROOF(3), PROOF(4), PROOF(6) of seven.
    assert_eq!(consistency(3, 7).unwrap(), [(2, 3), (3, 4), (0, 2), (4, 7)]);
    assert_eq!(consistency(4, 7).unwrap(), [(4, 7)]);
    assert_eq!(consistency(6, 7).unwrap(), [(4, 6), (6, 7), (0, 4)]);
    assert_eq!(consistency(7, 7).unwrap(), []);
}
