#![no_main]
#[path = "../src/served.rs"]
mod served;
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| served::played(
    &["change_source", "reverse_replication", "wait_for_lag", "wait_for_position", "tunnel"],
    bytes
));
