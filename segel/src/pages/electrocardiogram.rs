//! Waveforms on millimetre paper: 25 mm a second, 10 mm a millivolt (PS3.3 C.10.9).

use super::Pages;
use super::failure::Failure;
use super::picture::{Names, open};
use super::visitor::Visitor;
use crate::dicomweb::attributes::Attributes;
use crate::dicomweb::bulk::Bulk;
use crate::http::Problem;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::fmt::Write as _;

/// A waveform that is drawn: a day of twelve leads is not a page.
const SAMPLES_BYTES_MAX: u64 = 16 * 1024 * 1024;
const MM_PER_SECOND: f64 = 25.0;
const MM_PER_MILLIVOLT: f64 = 10.0;
const ROW_MM: f64 = 32.0;
const MARGIN_MM: f64 = 8.0;
/// Points of a trace per millimetre; more cannot be seen.
const POINTS_PER_MM: f64 = 8.0;

/// One lead, in millivolts.
struct Lead {
    name: String,
    millivolts: Vec<f64>,
}

/// `GET .../electrocardiogram`: the first waveform of an instance as SVG.
pub async fn page(State(pages): State<Pages>, visitor: Visitor, Path(names): Names) -> Result<Response, Failure> {
    let fail = |problem: Problem| Failure::of(problem, visitor.language);
    let opened = open(&pages, &visitor, &names).await.map_err(fail)?;
    let drawn = async {
        let metadata = opened.metadata().await?;
        let group = Attributes(&metadata).item("54000100", 0).ok_or_else(unusable)?;
        let samples = match group.element("54001010").and_then(Bulk::of) {
            Some(Bulk::Inline(bytes)) => bytes,
            Some(Bulk::Range { offset, length }) if length <= SAMPLES_BYTES_MAX => {
                opened.read_dataset(offset..offset.saturating_add(length)).await?
            }
            _ => return Err(unusable()),
        };
        drawing(group, &samples).ok_or_else(unusable)
    };
    let svg = drawn.await.map_err(fail)?;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}

fn unusable() -> Problem {
    Problem::not_acceptable("There is no waveform in this instance that can be drawn.")
}

fn drawing(group: Attributes<'_>, samples: &[u8]) -> Option<String> {
    let channels = usize::try_from(group.count("003A0005")?).ok().filter(|n| (1..=64).contains(n))?;
    let frequency = group.number("003A001A").filter(|hertz| (1.0..=100_000.0).contains(hertz))?;
    if group.count("54001004") != Some(16) || group.text("54001006") != Some("SS") {
        return None;
    }
    let leads = leads(group, samples, channels);
    let seconds = leads.first()?.millivolts.len() as f64 / frequency;
    let mut svg = Drawing::default();
    let twelve = leads.len() == 12 && seconds >= 9.9;
    if twelve {
        // The usual sheet: four columns of three leads for 2.5 seconds each, and lead II over the whole width.
        for (number, lead) in leads.iter().enumerate() {
            let (column, row) = (number / 3, number % 3);
            let from = column as f64 * 2.5;
            svg.trace(lead, frequency, (from, from + 2.5), row as f64 * ROW_MM);
        }
        if let Some(lead) = leads.get(1) {
            svg.trace(lead, frequency, (0.0, 10.0), 3.0 * ROW_MM);
        }
        return Some(svg.finish(10.0 * MM_PER_SECOND, 4.0 * ROW_MM, frequency));
    }
    let shown = seconds.min(10.0);
    for (row, lead) in leads.iter().enumerate() {
        svg.trace(lead, frequency, (0.0, shown), row as f64 * ROW_MM);
    }
    Some(svg.finish(shown * MM_PER_SECOND, leads.len() as f64 * ROW_MM, frequency))
}

fn leads(group: Attributes<'_>, samples: &[u8], channels: usize) -> Vec<Lead> {
    (0..channels)
        .filter_map(|number| {
            let channel = group.item("003A0200", number)?;
            let unit = channel.item("003A0211", 0).and_then(|unit| unit.text("00080100")).unwrap_or("mV");
            let to_millivolts = match unit {
                "uV" => 0.001,
                "V" => 1_000.0,
                _ => 1.0,
            };
            let scale =
                channel.number("003A0210").unwrap_or(1.0) * channel.number("003A0212").unwrap_or(1.0) * to_millivolts;
            let baseline = channel.number("003A0213").unwrap_or(0.0) * to_millivolts;
            let source = channel.item("003A0208", 0).and_then(|source| source.text("00080104")).unwrap_or_default();
            let step = channels * 2;
            let values = samples.chunks_exact(step).filter_map(|sample| {
                let bytes = sample.get(number * 2..number * 2 + 2)?;
                Some(f64::from(i16::from_le_bytes(bytes.try_into().ok()?)) * scale + baseline)
            });
            Some(Lead { name: source.trim_start_matches("Lead ").to_owned(), millivolts: values.collect() })
        })
        .collect()
}

/// Traces and labels, in millimetres.
#[derive(Default)]
struct Drawing {
    traces: String,
    labels: String,
}

impl Drawing {
    fn trace(&mut self, lead: &Lead, frequency: f64, (from, to): (f64, f64), top: f64) {
        let middle = MARGIN_MM + top + ROW_MM * 0.58;
        let step = ((frequency / MM_PER_SECOND / POINTS_PER_MM).floor().max(1.0)) as usize;
        let (first, last) = ((from * frequency) as usize, (to * frequency) as usize);
        let mut path = String::new();
        let values = lead.millivolts.iter().enumerate().take(last).skip(first).step_by(step);
        for (number, (at, millivolts)) in values.enumerate() {
            let x = MARGIN_MM + at as f64 / frequency * MM_PER_SECOND;
            let y = middle - millivolts.clamp(-5.0, 5.0) * MM_PER_MILLIVOLT;
            // Writing to a String cannot fail.
            let _ = write!(path, "{}{x:.2} {y:.2}", if number == 0 { 'M' } else { 'L' });
        }
        let x = MARGIN_MM + from * MM_PER_SECOND;
        let _ = write!(self.traces, "<path d=\"{path}\"/>");
        let top = MARGIN_MM + top;
        let _ = write!(self.traces, "<path d=\"M{x} {}v4\"/>", middle - 2.0);
        let _ = write!(self.labels, "<text x=\"{}\" y=\"{}\">{}</text>", x + 1.5, top + 7.0, escaped(&lead.name));
    }

    fn finish(self, width: f64, height: f64, frequency: f64) -> String {
        let (outer_width, outer_height) = (width + 2.0 * MARGIN_MM, height + 2.0 * MARGIN_MM);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {outer_width} {outer_height}\">\
             <defs><pattern id=\"mm\" width=\"1\" height=\"1\" patternUnits=\"userSpaceOnUse\">\
             <path d=\"M1 0H0V1\" fill=\"none\" stroke=\"#f3c9c1\" stroke-width=\".08\"/></pattern>\
             <pattern id=\"cm\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\"><rect width=\"5\" height=\"5\" fill=\"url(#mm)\"/>\
             <path d=\"M5 0H0V5\" fill=\"none\" stroke=\"#e79d90\" stroke-width=\".16\"/></pattern></defs>\
             <rect width=\"{outer_width}\" height=\"{outer_height}\" fill=\"#fff8f5\"/>\
             <rect x=\"3\" y=\"3\" width=\"{}\" height=\"{}\" fill=\"url(#cm)\"/>\
             <g fill=\"none\" stroke=\"#16202a\" stroke-width=\".32\" stroke-linejoin=\"round\">{}</g>\
             <g fill=\"#16202a\" font-family=\"sans-serif\" font-size=\"4\" font-weight=\"600\">{}</g>\
             <text x=\"{MARGIN_MM}\" y=\"{}\" fill=\"#5b4a46\" font-family=\"sans-serif\" font-size=\"3\">25 mm/s   10 mm/mV   {frequency} Hz</text></svg>",
            outer_width - 6.0,
            outer_height - 6.0,
            self.traces,
            self.labels,
            outer_height - 4.5,
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn one_millivolt_is_ten_millimetres_and_a_name_is_only_text() {
        let channel = json!({
            "003A0208": {"vr": "SQ", "Value": [{"00080104": {"vr": "LO", "Value": ["Lead <II>"]}}]},
            "003A0210": {"vr": "DS", "Value": ["2.5"]},
            "003A0211": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["uV"]}}]},
        });
        let group: Value = json!({
            "003A0005": {"vr": "US", "Value": [1]}, "003A001A": {"vr": "DS", "Value": ["100"]},
            "54001004": {"vr": "US", "Value": [16]}, "54001006": {"vr": "CS", "Value": ["SS"]},
            "003A0200": {"vr": "SQ", "Value": [channel]},
        });
        let samples: Vec<u8> = [0_i16, 400].iter().flat_map(|v| v.to_le_bytes()).collect();
        let svg = drawing(Attributes(&group), &samples).unwrap();
        let middle = MARGIN_MM + ROW_MM * 0.58;
        assert!(svg.contains(&format!("M8.00 {middle:.2}L8.25 {:.2}", middle - 10.0)), "{svg}");
        assert!(svg.contains("&lt;II&gt;"));
        assert!(drawing(Attributes(&json!({})), &samples).is_none());
    }
}
