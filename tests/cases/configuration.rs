//! `fence_config_typo.yaml`: a configuration file that is not there is no guard against a restart.

use crate::server::Shared;

/// The server is asked alone: what this test proves is that nobody has closed it.
#[test]
fn a_mistyped_config_file_is_refused_before_the_server_is_fenced() {
    let alone = Shared::make();
    let desk = alone.desk("fence_config_typo.yaml", &[]);
    let typo = desk.path("my.cfn");
    desk.write("inventory.yaml", &alone.inventory(&format!(" config_file: {},", typo.display())));
    let ended = desk.run();
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(ended.words().contains("my.cfn"), "the file is not named: {}", ended.words());
    assert!(!typo.exists(), "the mistyped file was made: {}", desk.text("my.cfn"));
    assert_eq!(alone.sql("SELECT @@GLOBAL.read_only"), "0", "the server is fenced");
    alone.sql("INSERT INTO d.t (v) VALUES ('open')");
}
