//! Who is the old server and who the new one in the switch that is struck: on the way back they have changed places.

use super::blow::Side;
use crate::effects::Session;
use crate::error::Result;
use crate::rehearsal::sandbox::Sandbox;
use crate::rehearsal::server::Server;
use crate::rehearsal::stage::{Home, Stage};

/// The sandbox, seen from the switch that is struck.
#[derive(Clone, Copy)]
pub struct Roles<'a> {
    /// The sandbox.
    pub sandbox: &'a Sandbox,
    home: Home,
}

impl<'a> Roles<'a> {
    /// Those of a stage: the old server is the one that the application wrote to when the run began.
    #[must_use]
    pub fn of(stage: &'a Stage) -> Self {
        Self { sandbox: &stage.sandbox, home: stage.began_at() }
    }

    fn place(self, side: Side) -> Home {
        if side == Side::Source { self.home } else { self.home.other() }
    }

    /// The server on that side.
    #[must_use]
    pub fn server(self, side: Side) -> &'a Server {
        match self.place(side) {
            Home::Source => &self.sandbox.source,
            Home::Target => &self.sandbox.target,
        }
    }

    /// The name of its host.
    #[must_use]
    pub fn host(self, side: Side) -> &'static str {
        match self.place(side) {
            Home::Source => "old",
            Home::Target => "new",
        }
    }

    /// The administrator on that side.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn admin(self, side: Side) -> Result<Session> {
        match self.place(side) {
            Home::Source => self.sandbox.on_source().await,
            Home::Target => self.sandbox.on_target().await,
        }
    }
}
