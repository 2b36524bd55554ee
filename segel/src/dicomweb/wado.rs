//! The URI service (PS3.18 section 9, "WADO-URI"): one object by its UIDs in the query, through the same code as retrieve and
//! rendered.

use super::accept::{self, DICOM, Shape, instances};
use super::pictures;
use super::request::Request;
use super::retrieve;
use crate::dicomweb::attributes::Attributes;
use crate::http::Problem;
use crate::pixels::view::SIDE_MAX;
use archive::retrieve::Located;
use axum::response::Response;
use wire::uid::is_uid;

/// `GET /wado?requestType=WADO&studyUID=...&seriesUID=...&objectUID=...`.
pub async fn wado(mut request: Request) -> Result<Response, Problem> {
    let needed = |name: &str| {
        let value = request.parameter(name).filter(|uid| is_uid(uid)).map(str::to_owned);
        value.ok_or_else(|| Problem::bad_request(format!("{name} is missing, or no UID.")))
    };
    if request.parameter("requestType") != Some("WADO") {
        return Err(Problem::bad_request("requestType must be WADO."));
    }
    let (study, series, instance) = (needed("studyUID")?, needed("seriesUID")?, needed("objectUID")?);
    request.names.study = Some(study);
    request.names.series = Some(series);
    request.names.instance = Some(instance);
    if request.parameter("anonymize").is_some_and(|value| value == "yes") {
        return Err(Problem::not_acceptable("Objects are given with their patient; anonymize cannot be done here."));
    }
    let located = request.locate_one().await?;
    let facts = located.instance().ok_or_else(Problem::not_found)?;
    // PS3.18 9.1.2.2.1: an image of one frame is a JPEG unless something else is asked for.
    let default = if facts.frames == 1 { "image/jpeg" } else { DICOM };
    let wanted = request.parameter("contentType").filter(|text| !text.is_empty()).unwrap_or(default).to_owned();
    let ranges = accept::ranges(&request.headers, Some(&wanted))?;
    let offered: &[&str] =
        if facts.frames > 0 { &["image/jpeg", "image/png", "image/gif", DICOM] } else { &[DICOM, "application/pdf"] };
    match accept::choose(&ranges, offered)? {
        DICOM => instance_of(&request, &located).await,
        media_type => {
            let media_type = media_type.to_owned();
            picture_of(request, &located, &media_type).await
        }
    }
}

/// `contentType=application/dicom`, by `transferSyntax` as it is kept or in another one.
async fn instance_of(request: &Request, located: &Located) -> Result<Response, Problem> {
    let range = match request.parameter("transferSyntax") {
        None => DICOM.to_owned(),
        Some(syntax) if is_uid(syntax) => format!("{DICOM}; transfer-syntax={syntax}"),
        Some(_) => return Err(Problem::bad_request("transferSyntax is a UID.")),
    };
    let ranges = accept::ranges(&request.headers, Some(&range))?;
    let kept = located.instance().map(|facts| facts.transfer_syntax_uid.as_str()).ok_or_else(Problem::not_found)?;
    let mut form = instances::choose(&ranges, &[kept])?;
    form.shape = Shape::Single;
    retrieve::give(request, std::slice::from_ref(located), &form).await
}

/// A picture: the parameters of PS3.18 9.1.2.2 in the words of 8.3.5.
async fn picture_of(mut request: Request, located: &Located, media_type: &str) -> Result<Response, Problem> {
    let mut query = vec![("accept".to_owned(), media_type.to_owned())];
    let mut add = |name: &str, value: String| query.push((name.to_owned(), value));
    let center = request.parameter("windowCenter");
    match (center, request.parameter("windowWidth")) {
        (Some(center), Some(width)) => add("window", format!("{center},{width}")),
        (None, None) => {}
        _ => return Err(Problem::bad_request("windowCenter and windowWidth go together.")),
    }
    for (name, other) in [("imageQuality", "quality"), ("annotation", "annotation")] {
        if let Some(value) = request.parameter(name) {
            add(other, value.to_owned());
        }
    }
    if let Some(viewport) = viewport(&request, located).await? {
        add("viewport", viewport);
    }
    request.names.frames = request.parameter("frameNumber").map(str::to_owned);
    request.query = query;
    pictures::rendered(request).await
}

/// `columns`, `rows` and `region` as a viewport. The region is given in parts of the image's sides.
async fn viewport(request: &Request, located: &Located) -> Result<Option<String>, Problem> {
    let side = |name: &str| {
        let number = |text: &str| text.parse::<u32>().ok().filter(|side| (1..=SIDE_MAX).contains(side));
        let wrong = || Problem::bad_request(format!("{name} is 1 to {SIDE_MAX}."));
        request.parameter(name).map(|text| number(text).ok_or_else(wrong)).transpose()
    };
    let (columns, rows) = (side("columns")?, side("rows")?);
    let Some(region) = request.parameter("region") else {
        // One side alone bounds the picture, which keeps its proportions.
        let any = columns.or(rows).is_some();
        return Ok(any.then(|| format!("{},{}", columns.unwrap_or(SIDE_MAX), rows.unwrap_or(SIDE_MAX))));
    };
    let [left, top, right, bottom] = corners(region)?;
    let metadata = request.open_located(located).await?.metadata().await?;
    let size = |tag| Attributes(&metadata).count(tag).map(f64::from);
    let (Some(height), Some(width)) = (size("00280010"), size("00280011")) else {
        return Err(Problem::not_acceptable("There is no image in this instance."));
    };
    let (x, y) = ((left * width).floor(), (top * height).floor());
    let (w, h) = (((right - left) * width).ceil().max(1.0), ((bottom - top) * height).ceil().max(1.0));
    let box_width = columns.map_or_else(|| format!("{w:.0}"), |columns| columns.to_string());
    let box_height = rows.map_or_else(|| format!("{h:.0}"), |rows| rows.to_string());
    Ok(Some(format!("{box_width},{box_height},{x:.0},{y:.0},{w:.0},{h:.0}")))
}

/// `region=left,top,right,bottom`, each 0 to 1 (PS3.18 9.1.2.2.5).
fn corners(text: &str) -> Result<[f64; 4], Problem> {
    let wrong = || {
        Problem::bad_request("region is left,top,right,bottom, each from 0 to 1, the first two less than the others.")
    };
    let numbers: Vec<f64> = text.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
    let [left, top, right, bottom] = numbers.try_into().map_err(|_| wrong())?;
    let inside = [left, top, right, bottom].iter().all(|side| (0.0..=1.0).contains(side));
    if inside && left < right && top < bottom { Ok([left, top, right, bottom]) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_lies_inside_the_image() {
        assert_eq!(corners("0,0,1,1"), Ok([0.0, 0.0, 1.0, 1.0]));
        assert_eq!(corners("0.25,0.5,0.5,0.75"), Ok([0.25, 0.5, 0.5, 0.75]));
        for wrong in ["", "0,0,1", "0,0,1,1,1", "0.5,0,0.5,1", "0,0,1.1,1", "-0.1,0,1,1", "a,0,1,1", "NaN,0,1,1"] {
            assert_eq!(corners(wrong).unwrap_err().status, 400, "{wrong}");
        }
    }
}
