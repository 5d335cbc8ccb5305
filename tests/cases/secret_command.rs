//! `secret_command.inv.yaml`: what a secret's command printed before it failed is shown.

use crate::desk::{Desk, changed, read};

#[test]
fn the_complaint_of_a_secrets_command_is_shown() {
    let desk = Desk::with("sql_mode.yaml", &[]);
    // from a file, so that the words cannot come from the command line, which a failure may show as well
    desk.write("complaint", "vault is sealed\n");
    let cat = format!("cat {} >&2", desk.path("complaint").display());
    let inventory = changed(&read("secret_command.inv.yaml"), &[("echo vault is sealed >&2", &cat)]);
    desk.write("inventory.yaml", &inventory);
    let ended = desk.run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.words().contains("vault is sealed"), "{}", ended.words());
}
