use super::*;

#[test]
fn pauses_grow_to_a_quarter_of_an_hour() {
    let seconds: Vec<Micros> = [1, 2, 3, 9, 10, 64, u32::MAX].map(|n| pause(n) / 1_000_000).to_vec();
    assert_eq!(seconds, [2, 4, 8, 512, 900, 900, 900]);
}

#[test]
fn addresses_that_could_say_more_than_an_address_are_none() {
    for (address, expected) in [
        ("dpo@rs.example.id", true),
        ("", false),
        ("@host", false),
        ("name@", false),
        ("a@b@c", false),
        ("a@b>\r\nRCPT TO:<x@y", false),
        ("a b@c", false),
        ("ä@c", false),
    ] {
        assert_eq!(check_address(address).is_ok(), expected, "{address:?}");
    }
    assert!(check_address(&format!("{}@host", "n".repeat(64))).is_ok());
    assert!(check_address(&format!("{}@host", "n".repeat(65))).is_err());
}
