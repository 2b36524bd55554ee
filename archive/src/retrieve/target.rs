//! What a retrieve names.

/// A study, a series or one instance, by its UIDs. At least one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// StudyInstanceUID (0020,000D).
    pub study: Option<String>,
    /// SeriesInstanceUID (0020,000E).
    pub series: Option<String>,
    /// SOPInstanceUID (0008,0018).
    pub instance: Option<String>,
}

impl Target {
    /// A whole study.
    #[must_use]
    pub fn study(study: &str) -> Self {
        Self { study: Some(study.to_owned()), ..Self::default() }
    }

    /// A series of a study.
    #[must_use]
    pub fn series(study: &str, series: &str) -> Self {
        Self { series: Some(series.to_owned()), ..Self::study(study) }
    }

    /// An instance of a series of a study.
    #[must_use]
    pub fn instance(study: &str, series: &str, instance: &str) -> Self {
        Self { instance: Some(instance.to_owned()), ..Self::series(study, series) }
    }
}
