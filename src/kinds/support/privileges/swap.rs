//! The privileges that the parts of a replication swap need, for the kinds that do them and for the checks in advance.
//! Pure.

use crate::dialect::OwnDatabase;
use crate::kinds::support::account_locks;
use crate::kinds::support::place::dialect;
use crate::kinds::{Condition, Need, Needs};
use crate::playbook::world::World;

/// Statements about accounts are passed over where the account is missing.
const PASSED_OVER: Condition =
    Condition::MayCome("accounts that this server does not have are changed on the source meanwhile");

/// To check a server before anything is done.
pub fn looking(world: &World, server: &str) -> Vec<Need> {
    let purpose = "read the server's state, its sessions, its logs and its replication";
    let dialect = dialect(world, server);
    Needs::on(server, purpose).everywhere(dialect.look_privileges()).into()
}

/// To dump everything there is on a source.
pub fn dumping(world: &World, server: &str) -> Vec<Need> {
    let dialect = dialect(world, server);
    Needs::on(server, "copy everything out of it").everywhere(dialect.dump_privileges()).into()
}

/// What it takes beside that to dump by `mydumper`.
pub fn dumping_by_mydumper(world: &World, server: &str) -> Vec<Need> {
    let dialect = dialect(world, server);
    Needs::on(server, "copy everything out of it").everywhere(dialect.mydumper_privileges()).into()
}

/// To copy the files of a running source.
pub fn backing_up(world: &World, server: &str) -> Vec<Need> {
    let dialect = dialect(world, server);
    Needs::on(server, "copy its files while it runs").everywhere(dialect.backup_privileges()).into()
}

/// To let another server clone a source.
pub fn being_cloned(world: &World, server: &str) -> Vec<Need> {
    let dialect = dialect(world, server);
    Needs::on(server, "let the other server clone it").everywhere(dialect.cloned_privileges()).into()
}

/// To clone another server.
pub fn cloning(world: &World, server: &str) -> Vec<Need> {
    let dialect = dialect(world, server);
    Needs::on(server, "clone the other server").everywhere(dialect.cloning_privileges()).into()
}

/// To start with the files of another server, and forget what that one followed.
pub fn becoming_a_copy(world: &World, server: &str) -> Vec<Need> {
    let dialect = dialect(world, server);
    Needs::on(server, "set its replication state to that of the copy").everywhere(dialect.copied_privileges()).into()
}

/// To load what was dumped.
pub fn loading(world: &World, server: &str) -> Vec<Need> {
    let dialect = dialect(world, server);
    let not_trusted = Condition::Differs { variable: "log_bin_trust_function_creators".into(), value: "ON".into() };
    let of_administrators = dialect.sets_system_definers();
    Needs::on(server, "load the copy, with the definers of its code")
        .everywhere(dialect.import_privileges())
        .only_if(&not_trusted, [dialect.loads_code()])
        .only_if(&Condition::AdministratorsDefine, of_administrators)
        .into()
}

/// To follow another server.
pub fn following(world: &World, server: &str) -> Vec<Need> {
    let dialect = dialect(world, server);
    let mut needs: Vec<Need> =
        Needs::on(server, "make it a replica of the other server").everywhere(dialect.replica_privileges()).into();
    needs.extend(passing_over(world, server));
    needs
}

/// To read the replication status, and to skip statements about accounts.
pub fn reading_channel(world: &World, server: &str) -> Vec<Need> {
    let dialect = dialect(world, server);
    let mut needs: Vec<Need> =
        Needs::on(server, "read how far it has replicated").everywhere(dialect.follow_privileges()).into();
    needs.extend(passing_over(world, server));
    needs
}

fn passing_over(world: &World, server: &str) -> Vec<Need> {
    let purpose = "skip statements about accounts that it does not have";
    Needs::on(server, purpose).only_if(&PASSED_OVER, [dialect(world, server).skips()]).into()
}

/// To close a server, end its clients and open it again.
pub fn closing(world: &World, server: &str) -> Vec<Need> {
    let dialect = dialect(world, server);
    let mut needs: Vec<Need> = Needs::on(server, "close the server, end its client sessions, and open it again")
        .everywhere(dialect.fence_privileges())
        .only_if(&Condition::EventsRun, [dialect.sets_event_scheduler()])
        .into();
    needs.extend(own_rows(world, server));
    if account_locks::needed(dialect) {
        let purpose = "record which accounts are locked while it is closed";
        needs.extend(Vec::from(Needs::on(server, purpose).own(OwnDatabase::Fence, dialect.keeps_own_rows())));
    }
    needs
}

/// To end replication on a server and open it to writes.
pub fn opening(world: &World, server: &str) -> Vec<Need> {
    let dialect = dialect(world, server);
    let behind = Condition::MayCome(
        "AUTO_INCREMENT ids of the source are ahead of this server's (without the privilege, that is reported and \
         nothing fails)",
    );
    let mut needs: Vec<Need> =
        Needs::on(server, "end its replication and open it").everywhere(dialect.promote_privileges()).into();
    needs.extend(own_rows(world, server));
    if account_locks::needed(dialect) {
        let purpose = "unlock accounts that were locked while it was closed";
        let give_back = Needs::on(server, purpose).everywhere(dialect.locking());
        needs.extend(Vec::from(give_back.own(OwnDatabase::Fence, dialect.keeps_own_rows())));
    }
    let raise =
        Needs::on(server, "raise the next AUTO_INCREMENT ids of tables").only_if(&behind, dialect.raises_counters());
    needs.extend(Vec::from(raise));
    needs
}

/// To keep rows in the tool's own database, and remove it.
pub fn own_rows(world: &World, server: &str) -> Vec<Need> {
    let purpose = "keep cutover's own rows there, which measure the lag and prove that the last row has arrived";
    Needs::on(server, purpose).own(OwnDatabase::Tokens, dialect(world, server).keeps_own_rows()).into()
}

/// To see the sessions of others.
pub fn seeing_sessions(world: &World, server: &str) -> Vec<Need> {
    Needs::on(server, "see the sessions of others").everywhere([dialect(world, server).sees_sessions()]).into()
}
