//! Which sources a stage is made of: its module and every module it names, and so on. Used by `build.rs`, which makes stage versions of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Every Rust file below `folder`, in a fixed order.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
    found
}

/// Top modules that a source names: what follows `crate::`, alone or in braces.
pub fn named(source: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for (at, found) in source.match_indices("crate::") {
        let rest = &source[at + found.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        // Only the first level of the braces names top modules.
        let (mut depth, mut begins) = (1, true);
        for (i, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => begins = true,
                c if begins && depth == 1 && !c.is_whitespace() => {
                    names.insert(word(&list[i..]));
                    begins = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    names
}

/// The modules `roots` and all that they name, directly or not. `modules` maps a top module to its files' texts.
pub fn closure(modules: &BTreeMap<String, Vec<String>>, roots: &[&str]) -> BTreeSet<String> {
    let mut open: Vec<String> = roots.iter().map(|root| (*root).to_owned()).collect();
    let mut closed = BTreeSet::new();
    while let Some(module) = open.pop() {
        let Some(texts) = modules.get(&module) else { continue };
        if closed.insert(module) {
            open.extend(texts.iter().flat_map(|text| named(text)));
        }
    }
    closed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_alone_and_in_braces() {
        let source =
            "use crate::types::{Context, crate_name};\nuse crate::{ mask, motion::{warp, Shift}, read };\nlet x = crate::output::hex(&b);";
        let names: Vec<_> = named(source).into_iter().collect();
        assert_eq!(names, ["mask", "motion", "output", "read", "types"]);
    }

    #[test]
    fn a_stage_is_made_of_what_its_modules_name_and_of_nothing_else() {
        let modules = [("a", "crate::b"), ("b", "crate::c crate::a"), ("c", ""), ("d", "crate::a")];
        let modules = modules.map(|(name, text)| (name.to_owned(), vec![text.to_owned()])).into();
        assert_eq!(closure(&modules, &["a"]).into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(closure(&modules, &["c", "nowhere"]).len(), 1);
    }

    #[test]
    fn the_files_of_this_crate_are_found_in_a_fixed_order() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let found = files(&root);
        assert!(found.is_sorted() && found.len() > 30);
        assert!(found.contains(&root.join("checkpoint/sources.rs")));
    }
}
