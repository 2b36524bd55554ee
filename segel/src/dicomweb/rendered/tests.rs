use super::*;
use serde_json::json;

fn picture(samples: u32, bits: u32, photometric: &str, syntax: &str) -> Picture {
    let metadata = json!({
        "00280002": {"vr": "US", "Value": [samples]},
        "00280004": {"vr": "CS", "Value": [photometric]},
        "00280010": {"vr": "US", "Value": [16]},
        "00280011": {"vr": "US", "Value": [24]},
        "00280100": {"vr": "US", "Value": [bits]},
        "00280101": {"vr": "US", "Value": [bits]},
    });
    Picture::of(&metadata, syntax, 0).unwrap()
}

fn wish() -> Wish {
    Wish { frame: 0, window: None, size: None, format: Format::Png }
}

fn pixels(file: &[u8]) -> Vec<u8> {
    image::load_from_memory(file).unwrap().into_bytes()
}

const LITTLE: &str = "1.2.840.10008.1.2.1";
const BASELINE: &str = "1.2.840.10008.1.2.4.50";

#[test]
fn native_grey_colour_and_palette_are_drawn() {
    let ramp: Vec<u8> = (0..384_u32).map(|n| u8::try_from(n % 256).unwrap()).collect();
    let drawn = draw(picture(1, 8, "MONOCHROME2", LITTLE), &Palette::default(), ramp.clone(), wish()).unwrap();
    assert_eq!(pixels(&drawn), ramp);

    let inverse = draw(picture(1, 8, "MONOCHROME1", LITTLE), &Palette::default(), ramp.clone(), wish()).unwrap();
    assert_eq!(pixels(&inverse), ramp.iter().map(|v| 255 - v).collect::<Vec<_>>());

    let big: Vec<u8> = ramp.iter().flat_map(|v| [0, *v]).collect();
    let words = draw(picture(1, 16, "MONOCHROME2", LITTLE), &Palette::default(), big, wish()).unwrap();
    assert_eq!(pixels(&words), ramp);

    let rgb: Vec<u8> = (0..384 * 3_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let colour = draw(picture(3, 8, "RGB", LITTLE), &Palette::default(), rgb.clone(), wish()).unwrap();
    assert_eq!(pixels(&colour), rgb);

    let palette = Palette { first: 0, tables: [vec![9; 256], vec![8; 256], vec![7; 256]] };
    let indexed = draw(picture(1, 8, "PALETTE COLOR", LITTLE), &palette, ramp, wish()).unwrap();
    assert_eq!(pixels(&indexed), [9, 8, 7].repeat(384));
}

#[test]
fn a_jpeg_frame_is_drawn_and_a_lying_one_is_refused() {
    let mut stream = Vec::new();
    let grey = vec![100; 384];
    jpeg_encoder::Encoder::new(&mut stream, 100).encode(&grey, 24, 16, jpeg_encoder::ColorType::Luma).unwrap();
    let mut shown = wish();
    shown.window = Some(Window { center: 127.5, width: 255.0, function: VoiFunction::LinearExact });
    let drawn = draw(picture(1, 8, "MONOCHROME2", BASELINE), &Palette::default(), stream.clone(), shown).unwrap();
    assert!(pixels(&drawn).iter().all(|v| v.abs_diff(100) <= 1));

    // The frame header claims 65,535 lines: no decoder may see it.
    let at = stream.windows(2).position(|m| m == [0xFF, 0xC0]).unwrap();
    stream[at + 5] = 0xFF;
    stream[at + 6] = 0xFF;
    let refused = draw(picture(1, 8, "MONOCHROME2", BASELINE), &Palette::default(), stream, shown);
    assert_eq!(refused.unwrap_err().status, 406);
}

#[test]
fn broken_frames_are_refused_and_never_end_the_process() {
    for syntax in [LITTLE, BASELINE, "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.70", "1.2.3"]
    {
        for frame in [
            vec![],
            vec![0xFF; 40],
            [vec![0xFF, 0xD8, 0xFF, 0xC0, 0, 17, 8, 0, 16, 0, 24, 1], vec![0xFF; 60]].concat(),
            {
                let mut rle = vec![0; 64];
                rle[0] = 1;
                rle[4] = 200;
                rle
            },
        ] {
            let drawn = draw(picture(1, 8, "MONOCHROME2", syntax), &Palette::default(), frame, wish());
            assert_eq!(drawn.unwrap_err().status, 406, "{syntax}");
        }
    }
}
