//! The audit log.

use crate::make::{after, audit};
use crate::{Case, for_each_database};

for_each_database![lines_come_back_whole_newest_first];

/// Shows that no field of a line is lost, and that the newest comes first.
async fn lines_come_back_whole_newest_first(Case { store, .. }: &Case) {
    let mut lines = Vec::new();
    for n in 0..4 {
        let mut line = audit("delivery.replay");
        line.at = after(n);
        if n == 2 {
            line.organization = Some("org_1".to_owned());
            line.before = Some("{}".to_owned());
            line.after = None;
            line.reason = None;
        }
        store.record_audit(line.clone()).await.unwrap();
        lines.insert(0, line);
    }
    assert_eq!(store.audit_log(10).await.unwrap(), lines);
    assert_eq!(store.audit_log(2).await.unwrap(), lines[..2]);
}
