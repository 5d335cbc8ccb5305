//! What proves, before a promotion, that the new server has everything; for the rules that ask.

use crate::lint::subject::{Pair, Subject};

/// What to add.
pub(super) const HELP: &str = "between fence and promotion: `uses: wait_for_position`, \
                               `with: { replica: SERVER, position: \"{{ steps.fence.position }}\" }`";

/// Whether the server is seen, after a fence, to have reached a place in its source's log.
pub(super) fn is_proved(subject: &Subject<'_>, promote: Pair<'_>) -> bool {
    subject.of_kind("wait_for_position").any(|wait| {
        wait.text("replica") == promote.text("server")
            && subject.is_before(wait, promote)
            && subject.of_kind("fence").any(|fence| subject.is_before(fence, wait))
    })
}

/// The last step before the promotion that waits for the server's lag.
pub(super) fn last_lag<'a>(subject: &Subject<'a>, promote: Pair<'_>) -> Option<Pair<'a>> {
    let mut lags = subject.of_kind("wait_for_lag").filter(|lag| lag.text("replica") == promote.text("server"));
    lags.rfind(|lag| subject.is_before(*lag, promote))
}
