//! How many tests passed, read from what the tools report.

use serde::Deserialize;

/// Tests by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// Adds passed and failed; what was skipped is kept elsewhere, with its reason.
    pub(crate) fn add(&mut self, other: &Self) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
    }
}

/// What nextest's JUnit file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Nextest {
    pub(crate) tally: Tally,
    /// The names of the tests that failed.
    pub(crate) failed: Vec<String>,
    /// `name: reason` of tests that ran but said `SKIPPED: …`, since libtest knows no skipping.
    pub(crate) skipped: Vec<String>,
}

/// Counts the test cases of a JUnit file. nextest escapes all text, so an element's `<` cannot come
/// from a test's output; that is why no XML parser is needed.
pub(crate) fn nextest(junit: &str) -> Nextest {
    let mut found = Nextest::default();
    for case in junit.split("<testcase ").skip(1) {
        let name = case
            .split_once("name=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map_or("?", |(name, _)| name);
        if case.contains("<failure") || case.contains("<error") {
            found.tally.failed = found.tally.failed.saturating_add(1);
            found.failed.push(name.to_owned());
            continue;
        }
        let words = case.lines().find_map(|line| {
            let line = line.rsplit_once("<system-err>").map_or(line, |(_, rest)| rest);
            let line = line.rsplit_once("<system-out>").map_or(line, |(_, rest)| rest);
            line.trim_start().strip_prefix("SKIPPED: ")
        });
        if let Some(words) = words {
            let reason = words.split("</system").next().unwrap_or(words);
            found.skipped.push(format!("{name}: {}", unescape(reason)));
        } else {
            found.tally.passed = found.tally.passed.saturating_add(1);
        }
    }
    found
}

fn unescape(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.trim_end().to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Sums the `test result: ok. 5 passed; 0 failed; 1 ignored; …` lines of `cargo test`.
pub(crate) fn cargo_test(output: &str) -> Option<Tally> {
    let mut sum = None::<Tally>;
    for line in output.lines() {
        let Some((_, rest)) = line.split_once("test result: ") else { continue };
        let number = |word: &str| -> u64 {
            rest.split(['.', ';'])
                .filter_map(|part| part.trim().strip_suffix(word))
                .find_map(|number| number.trim().parse().ok())
                .unwrap_or(0)
        };
        let sum = sum.get_or_insert_default();
        sum.add(&Tally { passed: number("passed"), failed: number("failed"), skipped: 0 });
        sum.skipped = sum.skipped.saturating_add(number("ignored"));
    }
    sum
}

/// What vitest's JSON report says.
pub(crate) fn vitest(report: &str) -> Option<Tally> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Numbers {
        num_passed_tests: u64,
        num_failed_tests: u64,
        #[serde(default)]
        num_pending_tests: u64,
        #[serde(default)]
        num_todo_tests: u64,
    }
    let numbers: Numbers = serde_json::from_str(report).ok()?;
    Some(Tally {
        passed: numbers.num_passed_tests,
        failed: numbers.num_failed_tests,
        skipped: numbers.num_pending_tests.saturating_add(numbers.num_todo_tests),
    })
}

/// Reads the last lines of `node --test`: `ℹ pass 5` (spec) or `# pass 5` (TAP).
pub(crate) fn node_test(output: &str) -> Option<Tally> {
    let number = |word: &str| -> Option<u64> {
        output.lines().rev().find_map(|line| {
            let line = line.trim().trim_start_matches(['ℹ', '#']).trim_start();
            line.strip_prefix(word)?.strip_prefix(' ')?.trim().parse().ok()
        })
    };
    Some(Tally {
        passed: number("pass")?,
        failed: number("fail")?.saturating_add(number("cancelled").unwrap_or(0)),
        skipped: number("skipped").unwrap_or(0).saturating_add(number("todo").unwrap_or(0)),
    })
}

/// Reads our own closing line, `N passed, N failed, N skipped`, from a script that prints one.
pub(crate) fn closing_line(output: &str) -> Option<Tally> {
    output.lines().rev().find_map(|line| {
        let mut parts = line.trim().split(", ");
        let mut number = |word: &str| parts.next()?.strip_suffix(word)?.trim().parse().ok();
        Some(Tally {
            passed: number(" passed")?,
            failed: number(" failed")?,
            skipped: number(" skipped")?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows that passed, failed and self-skipped tests are told apart, whatever a test prints.
    #[test]
    fn nextest_reports_are_counted() {
        let junit = r#"<?xml version="1.0"?>
<testsuites name="nextest-run" tests="4" failures="1" errors="0">
  <testsuite name="server::it" tests="4">
    <testcase name="inbox::stored_once" classname="server::it" time="0.1">
      <system-err>SKIPPED words later: not at the start of &lt;failure&gt;</system-err>
    </testcase>
    <testcase name="apply::late" classname="server::it" time="0.1"><failure type="test failure">x</failure></testcase>
    <testcase name="fixtures::parse" classname="stripe" time="0.1">
        <system-out>running 1 test</system-out>
        <system-err>SKIPPED: fixtures because ../shared is &quot;absent&quot;
more</system-err>
    </testcase>
    <testcase name="quiet" classname="stripe" time="0.1"/>
  </testsuite>
</testsuites>"#;
        let found = nextest(junit);
        assert_eq!(found.tally, Tally { passed: 2, failed: 1, skipped: 0 });
        assert_eq!(found.failed, ["apply::late"]);
        assert_eq!(found.skipped, ["fixtures::parse: fixtures because ../shared is \"absent\""]);
    }

    /// Shows that the results of several test binaries are summed, and that a build failure (no
    /// result at all) is not taken for zero tests.
    #[test]
    fn cargo_tests_are_summed() {
        let output = "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
                      x\ntest result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured\n";
        assert_eq!(cargo_test(output), Some(Tally { passed: 7, failed: 3, skipped: 1 }));
        assert_eq!(cargo_test("error: could not compile"), None);
    }

    /// Shows that the reports of vitest, of node's own runner and of scripts are read.
    #[test]
    fn other_reports_are_read() {
        let report = r#"{"numTotalTests":4,"numPassedTests":3,"numFailedTests":1,"numPendingTests":0,"numTodoTests":0,"success":false}"#;
        assert_eq!(vitest(report), Some(Tally { passed: 3, failed: 1, skipped: 0 }));
        assert_eq!(vitest(""), None);
        let spec = "✔ signs up (5ms)\nℹ tests 3\nℹ suites 0\nℹ pass 1\nℹ fail 1\nℹ cancelled 0\nℹ skipped 1\nℹ todo 0\n";
        assert_eq!(node_test(spec), Some(Tally { passed: 1, failed: 1, skipped: 1 }));
        assert_eq!(node_test("nothing"), None);
        let script = "ok\n12 passed, 0 failed, 2 skipped\n";
        assert_eq!(closing_line(script), Some(Tally { passed: 12, failed: 0, skipped: 2 }));
        assert_eq!(closing_line("12 passed"), None);
    }
}
