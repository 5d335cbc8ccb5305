//! What proves, before a promotion, that the new server has everything; for the rules that ask.

use crate::kinds::role::{Closes, Opens, WaitsForLag, WaitsForPosition};
use crate::lint::subject::{Pair, Subject};

/// What to add.
pub(super) const HELP: &str = "between fence and promotion: `uses: wait_for_position`, \
                               `with: { replica: SERVER, position: \"{{ steps.fence.position }}\" }`";

/// Whether the server is seen, after a fence, to have reached a position in its source's log.
pub(super) fn is_proved(subject: &Subject<'_>, (promote, opens): (Pair<'_>, &Opens)) -> bool {
    subject.playing::<WaitsForPosition>().any(|(wait, waits)| {
        waits.replica == opens.server
            && subject.is_before(wait, promote)
            && subject.playing::<Closes>().any(|(fence, _)| subject.is_before(fence, wait))
    })
}

/// The last step before the promotion that waits for the server's lag.
pub(super) fn last_lag<'a>(subject: &Subject<'a>, (promote, opens): (Pair<'_>, &Opens)) -> Option<Pair<'a>> {
    let mut lags = subject.playing::<WaitsForLag>().filter(|(_, waits)| waits.replica == opens.server);
    lags.rfind(|(lag, _)| subject.is_before(*lag, promote)).map(|(lag, _)| lag)
}
