//! `secret_command.inv.yaml`: what a secret's command printed before it failed is shown.

use crate::desk::{Desk, read};

#[test]
fn the_complaint_of_a_secrets_command_is_shown() {
    let desk = Desk::with("sql_mode.yaml", &[]);
    desk.write("inventory.yaml", &read("secret_command.inv.yaml"));
    let ended = desk.run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.words().contains("vault is sealed"), "{}", ended.words());
}
