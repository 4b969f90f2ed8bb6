//! Which crate of the workspace may import which (docs/adr/0001). A new edge is a decision record.

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};

use super::{Tree, Violation};

/// What a crate may import of ours: always, and in its tests besides.
struct Allowed {
    name: &'static str,
    normal: &'static [&'static str],
    tests: &'static [&'static str],
}

const TABLE: [Allowed; 7] = [
    Allowed { name: "domain", normal: &[], tests: &[] },
    Allowed { name: "stripe", normal: &[], tests: &[] },
    Allowed { name: "store", normal: &["domain"], tests: &[] },
    Allowed { name: "simulator", normal: &["stripe"], tests: &[] },
    Allowed {
        name: "server",
        normal: &["domain", "stripe", "store", "simulator"],
        tests: &["testkit"],
    },
    Allowed {
        name: "testkit",
        normal: &["domain", "stripe", "store", "simulator", "server"],
        tests: &[],
    },
    Allowed { name: "xtask", normal: &[], tests: &[] },
];

/// One crate of ours importing another.
struct Edge {
    from: String,
    to: String,
    kind: DependencyKind,
}

pub(super) fn violations(tree: &Tree) -> Result<Vec<Violation>> {
    let metadata = MetadataCommand::new()
        .manifest_path(tree.root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("ask cargo for the workspace")?;
    let names: Vec<String> =
        metadata.packages.iter().map(|package| package.name.to_string()).collect();
    if names.is_empty() {
        bail!("cargo names no crates");
    }
    let edges: Vec<Edge> = metadata
        .packages
        .iter()
        .flat_map(|package| {
            package.dependencies.iter().filter(|dependency| dependency.path.is_some()).map(
                |dependency| Edge {
                    from: package.name.to_string(),
                    to: dependency.name.clone(),
                    kind: dependency.kind,
                },
            )
        })
        .collect();
    Ok(judge(&names, &edges))
}

fn judge(names: &[String], edges: &[Edge]) -> Vec<Violation> {
    let strangers = names
        .iter()
        .filter(|name| !TABLE.iter().any(|allowed| allowed.name == name.as_str()))
        .map(|name| {
            Violation::in_file(
                "Cargo.toml",
                format!(
                    "crate `{name}` is not in the table of allowed edges (xtask/src/tidy/edges.rs)"
                ),
            )
        });
    let forbidden = edges.iter().filter(|edge| !is_allowed(edge)).map(|edge| {
        let how = if edge.kind == DependencyKind::Development { " in its tests" } else { "" };
        Violation::in_file(
            &format!("crate {}", edge.from),
            format!("may not import `{}`{how}; if it must, write a decision record first", edge.to),
        )
    });
    strangers.chain(forbidden).collect()
}

fn is_allowed(edge: &Edge) -> bool {
    TABLE.iter().any(|allowed| {
        allowed.name == edge.from
            && (allowed.normal.contains(&edge.to.as_str())
                || (edge.kind == DependencyKind::Development
                    && allowed.tests.contains(&edge.to.as_str())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(from: &str, to: &str, kind: DependencyKind) -> usize {
        let edge = Edge { from: from.to_owned(), to: to.to_owned(), kind };
        judge(&[from.to_owned()], &[edge]).len()
    }

    /// Shows which imports pass and which are found, among them a test-only import used normally.
    #[test]
    fn forbidden_imports_are_found() {
        use DependencyKind::{Development, Normal};
        assert_eq!(found("server", "store", Normal), 0);
        assert_eq!(found("server", "testkit", Development), 0);
        assert_eq!(found("server", "testkit", Normal), 1);
        assert_eq!(found("domain", "stripe", Normal), 1);
        assert_eq!(found("simulator", "store", Normal), 1);
        assert_eq!(found("simulator", "store", Development), 1);
        assert_eq!(found("store", "domain", Development), 0);
    }

    /// Shows that a crate nobody decided about is found even when it imports nothing.
    #[test]
    fn an_unknown_crate_is_found() {
        assert_eq!(judge(&["helpers".to_owned()], &[]).len(), 1);
    }
}
