use super::description::Bulks;
use super::work;
use super::*;
use serde_json::json;

fn encoded(samples: u32, bits: u32, photometric: &str, syntax: &str, bytes: Vec<u8>) -> Encoded {
    let metadata = json!({
        "00280002": {"vr": "US", "Value": [samples]},
        "00280004": {"vr": "CS", "Value": [photometric]},
        "00280010": {"vr": "US", "Value": [16]},
        "00280011": {"vr": "US", "Value": [24]},
        "00280100": {"vr": "US", "Value": [bits]},
        "00280101": {"vr": "US", "Value": [bits]},
    });
    let description = PixelDescription::of(&metadata, 0, &Bulks::new()).unwrap().unwrap();
    Encoded { transfer_syntax_uid: syntax.into(), description, bytes }
}

fn png() -> View {
    View::plain(Format::Png)
}

fn pixels(file: &[u8]) -> Vec<u8> {
    image::load_from_memory(file).unwrap().into_bytes()
}

const LITTLE: &str = "1.2.840.10008.1.2.1";
const BASELINE: &str = "1.2.840.10008.1.2.4.50";

#[test]
fn native_grey_colour_and_palette_are_drawn() {
    let ramp: Vec<u8> = (0..384_u32).map(|n| u8::try_from(n % 256).unwrap()).collect();
    let drawn = work::render(encoded(1, 8, "MONOCHROME2", LITTLE, ramp.clone()), &png()).unwrap();
    assert_eq!(pixels(&drawn), ramp);

    let inverse = work::render(encoded(1, 8, "MONOCHROME1", LITTLE, ramp.clone()), &png()).unwrap();
    assert_eq!(pixels(&inverse), ramp.iter().map(|v| 255 - v).collect::<Vec<_>>());

    let big: Vec<u8> = ramp.iter().flat_map(|v| [0, *v]).collect();
    let words = work::render(encoded(1, 16, "MONOCHROME2", LITTLE, big), &png()).unwrap();
    assert_eq!(pixels(&words), ramp);

    let rgb: Vec<u8> = (0..384 * 3_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let colour = work::render(encoded(3, 8, "RGB", LITTLE, rgb.clone()), &png()).unwrap();
    assert_eq!(pixels(&colour), rgb);

    let metadata = json!({
        "00280002": {"vr": "US", "Value": [1]}, "00280004": {"vr": "CS", "Value": ["PALETTE COLOR"]},
        "00280010": {"vr": "US", "Value": [16]}, "00280011": {"vr": "US", "Value": [24]},
        "00280100": {"vr": "US", "Value": [8]},
        "00281101": {"vr": "US", "Value": [256, 0, 8]}, "00281201": {"vr": "OW", "Bulk": [1, 256]},
        "00281102": {"vr": "US", "Value": [256, 0, 8]}, "00281202": {"vr": "OW", "Bulk": [2, 256]},
        "00281103": {"vr": "US", "Value": [256, 0, 8]}, "00281203": {"vr": "OW", "Bulk": [3, 256]},
    });
    let bulks = Bulks::from([(1, vec![9; 256]), (2, vec![8; 256]), (3, vec![7; 256])]);
    let description = PixelDescription::of(&metadata, 0, &bulks).unwrap().unwrap();
    let frame = Encoded { transfer_syntax_uid: LITTLE.into(), description, bytes: ramp };
    assert_eq!(pixels(&work::render(frame, &png()).unwrap()), [9, 8, 7].repeat(384));
}

#[test]
fn a_jpeg_frame_is_drawn_and_a_lying_one_is_refused() {
    let mut stream = Vec::new();
    let grey = vec![100; 384];
    jpeg_encoder::Encoder::new(&mut stream, 100).encode(&grey, 24, 16, jpeg_encoder::ColorType::Luma).unwrap();
    let mut shown = png();
    shown.window = Some(Window { center: 127.5, width: 255.0, function: VoiFunction::LinearExact });
    let drawn = work::render(encoded(1, 8, "MONOCHROME2", BASELINE, stream.clone()), &shown).unwrap();
    assert!(pixels(&drawn).iter().all(|v| v.abs_diff(100) <= 1));

    // The frame header claims 65,535 lines: no decoder may see it.
    let at = stream.windows(2).position(|m| m == [0xFF, 0xC0]).unwrap();
    stream[at + 5] = 0xFF;
    stream[at + 6] = 0xFF;
    let refused = work::render(encoded(1, 8, "MONOCHROME2", BASELINE, stream), &shown);
    assert_eq!(refused.unwrap_err().outcome(), record::Outcome::Invalid);
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
            let drawn = work::render(encoded(1, 8, "MONOCHROME2", syntax, frame), &png());
            assert_eq!(drawn.unwrap_err().outcome(), record::Outcome::Invalid, "{syntax}");
        }
    }
}

/// Worker processes of this test.
fn workers() -> Vec<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    children.flat_map(|list| list.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<i32>>()).collect()
}

#[tokio::test]
async fn a_worker_that_was_killed_is_replaced_and_the_frames_after_it_are_drawn() {
    let pixels = Pixels::default();
    assert!(workers().is_empty(), "no worker is started before a frame comes");
    let frame = || encoded(1, 8, "MONOCHROME2", LITTLE, vec![7; 384]);
    let native = pixels.native(frame()).await.unwrap();
    assert_eq!((native.bytes.len(), native.description.photometric), (384, Photometric::Monochrome2));
    let [worker] = workers()[..] else { panic!("one frame takes one worker") };
    let worker = rustix::process::Pid::from_raw(worker).unwrap();
    rustix::process::kill_process(worker, rustix::process::Signal::KILL).unwrap();
    let picture = loop {
        // Whether the death was seen before or while the next frame was handed over, that frame alone may be lost.
        match pixels.render(frame(), png()).await {
            Ok(picture) => break picture,
            Err(error) => assert_eq!(error.outcome(), record::Outcome::Invalid),
        }
    };
    assert_eq!((picture.media_type, &picture.bytes[1..4]), ("image/png", &b"PNG"[..]));
    let jpeg = pixels.jpeg_baseline(frame(), 90).await.unwrap();
    assert!(jpeg.starts_with(&[0xFF, 0xD8]));
    let deep = pixels.jpeg_baseline(encoded(1, 16, "MONOCHROME2", LITTLE, vec![7; 768]), 90).await;
    assert_eq!(deep.unwrap_err().outcome(), record::Outcome::Invalid, "16 bits never become 8 without a word");
}
