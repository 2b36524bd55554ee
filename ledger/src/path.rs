//! Where tiles and entry bundles lie (C2SP tlog-tiles, "Merkle Tree" and "Log entries").

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: usize = 256;
/// The checkpoint's name.
pub const CHECKPOINT: &str = "checkpoint";
/// The name of the newest checkpoint that a quorum of witnesses has cosigned. It may be older than the other.
pub const CHECKPOINT_COSIGNED: &str = "checkpoint.cosigned";

/// The path of a tile: `tile/<L>/<N>` if `width` is 256, `tile/<L>/<N>.p/<W>` if it is less.
#[must_use]
pub fn tile(level: usize, index: u64, width: usize) -> String {
    format!("tile/{level}/{}{}", encoded(index), suffix(width))
}

/// The path of an entry bundle, likewise.
#[must_use]
pub fn entries(index: u64, width: usize) -> String {
    format!("tile/entries/{}{}", encoded(index), suffix(width))
}

fn suffix(width: usize) -> String {
    if width < TILE_WIDTH { format!(".p/{width}") } else { String::new() }
}

/// Three digits an element, all but the last after an `x`: 1234067 is `x001/x234/067`.
fn encoded(index: u64) -> String {
    let mut text = format!("{:03}", index % 1_000);
    let mut rest = index / 1_000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1_000);
        rest /= 1_000;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_specification() {
        assert_eq!(tile(0, 1_234_067, TILE_WIDTH), "tile/0/x001/x234/067");
        assert_eq!(tile(1, 0, 17), "tile/1/000.p/17");
        assert_eq!(entries(273, 112), "tile/entries/273.p/112");
        assert_eq!(entries(1_000, 256), "tile/entries/x001/000");
        assert_eq!(tile(63, u64::MAX, 1), "tile/63/x018/x446/x744/x073/x709/x551/615.p/1");
    }
}
