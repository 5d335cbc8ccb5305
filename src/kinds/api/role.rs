//! Roles: what a step does that other rooms must know of, whatever its kind is called.
//!
//! Lint rules, displays, the engine and the report ask for roles, never for a kind's name. The role holds what they
//! need to know of the step. Where a kind must use certain names (of outputs, notes or parameters) to play it, the
//! documentation of the role lists them.

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
    /// Checks both servers before a switch, and refuses what cannot work.
    Examines {
        /// Source: the server that the application leaves.
        source: String,
        /// Target: the server that replaces it.
        target: String,
        /// Whether people have accepted that there is no way back.
        accepts_no_way_back: bool,
    }

    /// Measures a disk.
    MeasuresDisk {
        /// Host of the disk.
        host: String,
        /// Whether there is a figure that it must reach.
        requires: bool,
    }

    /// Takes a copy of a server's data. Its outputs are `bytes`, the size of the copy, and `position`, the position in
    /// the server's binary log that the copy corresponds to.
    CopiesFrom {
        /// Server that is copied.
        server: String,
    }

    /// Loads a copy into a server.
    CopiesTo {
        /// Server that is loaded.
        server: String,
        /// Whether the load is written to the server's own binary log; set by the parameter `binlog`, in a kind that
        /// does not make the copy as well.
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
        /// Whether the server is closed to writes from then on, or open; missing when neither is stated.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        closed: Option<bool>,
        /// Whether the values are written to the server's file too; set by the parameter `persist`.
        kept: bool,
    }

    /// Opens a tunnel that connections of other steps can go `through`. Its parameter `listen` is the address that it
    /// listens on; its output `address` is the same.
    Tunnels {}

    /// Makes one server the replica of another.
    Follows {
        /// Replica.
        replica: String,
        /// Source.
        source: String,
        /// Whether the connection is encrypted, or goes through a tunnel.
        sheltered: bool,
        /// Whether it is the old server that replicates from the new one, after the switch.
        way_back: bool,
    }

    /// Waits until a replica's lag is small.
    WaitsForLag {
        /// Replica.
        replica: String,
        /// Source.
        source: String,
    }

    /// Waits until a replica has applied everything up to a position in its source's log.
    WaitsForPosition {
        /// Replica.
        replica: String,
    }

    /// Compares a replica with its source, row by row. Its output `finished` is the time at which they were found
    /// equal.
    ProvesEquality {
        /// Source.
        source: String,
        /// Replica, which must hold the same data.
        replica: String,
    }

    /// Asks people whether the run may continue.
    AsksPeople {
        /// Whose approval is enough.
        rule: Rule,
    }

    /// Sends a message to a webhook.
    Tells {
        /// The webhook.
        webhook: String,
        /// The message.
        message: String,
    }

    /// Closes a server to writes, for the switch. Before it changes anything, it notes `before`, the state of the
    /// server (with `read_only`). Its outputs are `position`, the final position in the server's log, `own_log`, the
    /// state of the server's own transactions, and `fence_ms`, how long that took.
    Closes {
        /// Server that is closed.
        server: String,
    }

    /// Opens a server in place of one that was closed: the point of no return. Its output `position` is the position in
    /// the server's own log before its first write.
    Opens {
        /// Server that is opened.
        server: String,
        /// Server that was closed.
        source: String,
        /// What proves that both held the same data, usually an output of a step that compared them; `none` for no
        /// proof. Set by the parameter `verified`.
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
        /// Whether there is one that undoes it.
        has_undo: bool,
    }

    /// Runs statements of the user's own: the parameters [`RunsUsersStatements::LISTS`] hold them.
    RunsUsersStatements {
        /// Server they run on.
        server: String,
        /// Whether one of them changes something there.
        changes: bool,
        /// Whether they enter the server's binary log; set by the parameter `binlog`.
        logged: bool,
        /// Whether there are some that undo them.
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
