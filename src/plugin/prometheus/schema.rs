//! What `config` of `prometheus` may hold (`kong/plugins.md` §19).

use crate::config::schema::{Default, Field, Record, Since};

const fn switch(name: &'static str) -> Field {
    Field::boolean(name).default(Default::Bool(false))
}

/// The plugin's `config`. There are no AI plugins here: that switch counts nothing.
pub(super) static CONFIG: Record = Record {
    fields: &[
        switch("per_consumer"),
        switch("status_code_metrics").since(Since::Kong3),
        switch("ai_metrics").since(Since::Kong3),
        switch("latency_metrics").since(Since::Kong3),
        switch("bandwidth_metrics").since(Since::Kong3),
        switch("upstream_health_metrics").since(Since::Kong3),
    ],
    checks: &[],
};
