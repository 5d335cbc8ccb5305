//! Roles: what a step does that other rooms must know of, whatever its kind is called.
//!
//! Lint rules, displays, the engine and the report ask for roles, never for a kind's name. What they need to know of the
//! step stands in the role; where a kind must keep to names (of outputs, notes or parameters) to play it, the role says so.

use crate::effects::Rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The data of one role, found among others by its type.
pub trait RoleData: Sized + 'static {
    /// The role's name.
    const NAME: RoleName;
    /// The data, when `role` is of this type.
    fn of(role: &Role) -> Option<&Self>;
}

/// Defines every role once: the structure with its data, its place in [`Role`], and its name.
macro_rules! roles {
    ($($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$about])*
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
            pub struct $name {
                $($(#[$field_about])* pub $field: $type,)*
            }

            impl RoleData for $name {
                const NAME: RoleName = RoleName::$name;
                fn of(role: &Role) -> Option<&Self> {
                    if let Role::$name(data) = role { Some(data) } else { None }
                }
            }

            impl From<$name> for Role {
                fn from(data: $name) -> Self {
                    Self::$name(data)
                }
            }
        )*

        /// A role that a step plays. A value that is known only at run time stands in it as its marker.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "role", rename_all = "snake_case")]
        pub enum Role {
            $($(#[$about])* $name($name),)*
        }

        /// A role without its data: what can be asked of a kind before any step of it is decoded.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum RoleName {
            $($(#[$about])* $name,)*
        }

        impl Role {
            /// Its name.
            #[must_use]
            pub fn name(&self) -> RoleName {
                match self { $(Self::$name(_) => RoleName::$name,)* }
            }
        }
    };
}

roles! {
    /// Looks at both servers of a switch before it, and refuses what cannot work.
    Examines {
        /// Server that is left.
        source: String,
        /// Server that takes its place.
        target: String,
        /// Whether people have accepted that nothing leads back.
        accepts_no_way_back: bool,
    }

    /// Measures a disk.
    MeasuresDisk {
        /// Host of the disk.
        host: String,
        /// Whether there is a figure that it must reach.
        requires: bool,
    }

    /// Takes a copy of a server's data. It puts out `bytes`, the size of the copy, and `position`, the place in the
    /// server's binary log that the copy holds.
    CopiesFrom {
        /// Server that is copied.
        server: String,
    }

    /// Loads a copy into a server.
    CopiesTo {
        /// Server that is loaded.
        server: String,
        /// Whether the load enters the server's own binary log; the parameter `binlog` says so, of a kind that does not bring the
        /// copy as well.
        logged: bool,
    }

    /// Writes the whole configuration file of a server, the inventory's settings for it included.
    WritesConfiguration {
        /// Server whose file it is.
        server: String,
        /// Whether the server is configured for an import, closed to writes; else for production, with durable commits.
        for_import: bool,
        /// Whether the server is restarted with it.
        restarts: bool,
    }

    /// Sets variables of a running server.
    SetsVariables {
        /// Server that is changed.
        server: String,
        /// Whether every commit is durable from then on.
        durable: bool,
        /// Whether the server is closed to writes from then on, or open; missing when neither is said.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        closed: Option<bool>,
        /// Whether the values stand in the server's file too; the parameter `persist` says so.
        kept: bool,
    }

    /// Opens a tunnel that connections of other steps can go `through`. It has a parameter `listen`, the address that it
    /// listens on, and puts the same out as `address`.
    Tunnels {}

    /// Lets one server follow another.
    Follows {
        /// Server that follows.
        replica: String,
        /// Server that is followed.
        source: String,
        /// Whether the connection is encrypted, or goes through a tunnel.
        sheltered: bool,
        /// Whether the old server follows the new one, after the switch.
        way_back: bool,
    }

    /// Waits until a replica's lag is small.
    WaitsForLag {
        /// Server that follows.
        replica: String,
        /// Server that is followed.
        source: String,
    }

    /// Waits until a replica has applied everything up to a place in its source's log.
    WaitsForPosition {
        /// Server that follows.
        replica: String,
    }

    /// Compares a replica with its source, row by row. It puts out `finished`, when they were found equal.
    ProvesEquality {
        /// Server that is followed.
        source: String,
        /// Server that follows, and is to hold the same.
        replica: String,
    }

    /// Asks people whether the run goes on.
    AsksPeople {
        /// Whose approval is enough.
        rule: Rule,
    }

    /// Tells a webhook something once it is done.
    Tells {
        /// The webhook.
        webhook: String,
        /// What it is told.
        message: String,
    }

    /// Closes a server to writes, for the switch. It notes `before`, how the server stood (with `read_only`), ere it touches
    /// anything. It puts out `position`, the last place in the server's log, `own_log`, how far the server's own
    /// transactions had come, and `fence_ms`, how long that took.
    Closes {
        /// Server that is closed.
        server: String,
    }

    /// Opens a server in place of one that was closed: the point of no return. It puts out `position`, the server's own
    /// place before its first write.
    Opens {
        /// Server that is opened.
        server: String,
        /// Server that was closed.
        source: String,
        /// What shows that both held the same, usually an output of a step that compared them; `none` for nothing. The
        /// parameter `verified` says so.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        verified: Option<String>,
    }

    /// Sends an application to another server.
    MovesApplication {
        /// The application.
        application: String,
        /// Server that it is sent to.
        to: String,
    }

    /// Lets another server run the scheduled events.
    MovesEvents {
        /// Server that ran them.
        from: String,
        /// Server that runs them from then on.
        to: String,
    }

    /// Runs programs of the user's own: the parameters [`RunsUsersProgram::LINES`] hold their command lines.
    RunsUsersProgram {
        /// Whether the program may change something.
        changes: bool,
        /// Whether there is one that takes that back.
        has_undo: bool,
    }

    /// Runs statements of the user's own: the parameters [`RunsUsersStatements::LISTS`] hold them.
    RunsUsersStatements {
        /// Server they run on.
        server: String,
        /// Whether one of them changes something there.
        changes: bool,
        /// Whether they enter the server's binary log; the parameter `binlog` says so.
        logged: bool,
        /// Whether there are some that take that back.
        has_undo: bool,
    }
}

impl RunsUsersProgram {
    /// Parameters that hold a program and its arguments.
    pub const LINES: [&str; 2] = ["run", "undo"];
}

impl RunsUsersStatements {
    /// Parameters that hold statements.
    pub const LISTS: [&str; 2] = ["statements", "undo"];
}
