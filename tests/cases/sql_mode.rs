//! `sql_mode.yaml`: a `sql` step's session has the server's own mode.

use crate::server::Shared;

#[test]
fn a_strict_server_refuses_a_number_that_does_not_fit() {
    let shared = Shared::get();
    let strict = shared.sql("SELECT @@GLOBAL.sql_mode");
    assert!(strict.contains("STRICT_TRANS_TABLES"), "the server is not strict: {strict}");
    let ended = shared.desk("sql_mode.yaml", &[]).run();
    assert!(ended.code.is_some_and(|code| code > 0), "{ended:?}");
    assert!(ended.words().contains("1264") && ended.words().contains("Out of range"), "{}", ended.words());
    assert_eq!(shared.sql("SELECT COUNT(*) FROM d.t WHERE v = 'strict?'"), "0");
}

#[test]
fn a_lenient_server_stays_lenient() {
    let alone = Shared::make();
    alone.sql("SET GLOBAL sql_mode = ''");
    let ended = alone.desk("sql_mode.yaml", &[]).run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(alone.sql("SELECT n FROM d.t WHERE v = 'strict?'"), "127");
}
