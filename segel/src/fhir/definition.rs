//! The resource types that are kept, as a table: what each must have, whose it is, what it is found by.

/// What must be true of an element (FHIR R4, the resource's page).
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// 1..1 or 1..*.
    Required(&'static str),
    /// A code of a required binding.
    Code(&'static str, &'static [&'static str]),
}

/// How a search parameter reads a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The resource's own identifiers.
    Identifier,
    /// The patient, by logical id.
    Patient,
    /// The patient, by identifier.
    PatientIdentifier,
    /// Who is referred to in this element, by identifier.
    Party(&'static str),
    /// A CodeableConcept or code in one of these elements.
    Token(&'static [&'static str]),
    /// A date, time or period in the first of these elements that is there.
    Date(&'static [&'static str]),
    /// A HumanName.
    Name,
}

/// A search parameter (FHIR R4 search parameter registry).
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name in a query.
    pub name: &'static str,
    /// How it reads a resource.
    pub kind: Kind,
}

/// Where a resource names its patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// It is the patient.
    Itself,
    /// In `subject`.
    Element,
    /// In `patient`.
    Patient,
    /// In `securityContext`, or where a document refers to it.
    Security,
}

/// One resource type.
#[derive(Debug)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// Where it names its patient.
    pub subject: Subject,
    /// What must be true of it.
    pub rules: &'static [Rule],
    /// What it is found by.
    pub parameters: &'static [Parameter],
}

const fn parameter(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind }
}

const PATIENT: Parameter = parameter("patient", Kind::Patient);
const SUBJECT: Parameter = parameter("subject", Kind::Patient);
const PATIENT_IDENTIFIER: Parameter = parameter("patient.identifier", Kind::PatientIdentifier);
const SUBJECT_IDENTIFIER: Parameter = parameter("subject.identifier", Kind::PatientIdentifier);
const IDENTIFIER: Parameter = parameter("identifier", Kind::Identifier);
const STATUS: Parameter = parameter("status", Kind::Token(&["status"]));
const CODE: Parameter = parameter("code", Kind::Token(&["code"]));
const CATEGORY: Parameter = parameter("category", Kind::Token(&["category"]));

/// The types that are kept.
pub const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "Patient",
        subject: Subject::Itself,
        rules: &[Rule::Required("identifier"), Rule::Code("gender", &["male", "female", "other", "unknown"])],
        parameters: &[
            IDENTIFIER,
            parameter("name", Kind::Name),
            parameter("birthdate", Kind::Date(&["birthDate"])),
            parameter("gender", Kind::Token(&["gender"])),
        ],
    },
    Definition {
        name: "ServiceRequest",
        subject: Subject::Element,
        rules: &[
            Rule::Required("status"),
            Rule::Required("intent"),
            Rule::Code(
                "status",
                &["draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"],
            ),
            Rule::Code(
                "intent",
                &[
                    "proposal",
                    "plan",
                    "directive",
                    "order",
                    "original-order",
                    "reflex-order",
                    "filler-order",
                    "instance-order",
                    "option",
                ],
            ),
        ],
        parameters: &[
            IDENTIFIER,
            PATIENT,
            SUBJECT,
            PATIENT_IDENTIFIER,
            SUBJECT_IDENTIFIER,
            CODE,
            CATEGORY,
            STATUS,
            parameter("occurrence", Kind::Date(&["occurrenceDateTime", "occurrencePeriod"])),
            parameter("authored", Kind::Date(&["authoredOn"])),
            parameter("requester.identifier", Kind::Party("requester")),
            parameter("performer.identifier", Kind::Party("performer")),
        ],
    },
    Definition {
        name: "DiagnosticReport",
        subject: Subject::Element,
        rules: &[
            Rule::Required("status"),
            Rule::Required("code"),
            Rule::Code(
                "status",
                &[
                    "registered",
                    "partial",
                    "preliminary",
                    "final",
                    "amended",
                    "corrected",
                    "appended",
                    "cancelled",
                    "entered-in-error",
                    "unknown",
                ],
            ),
        ],
        parameters: &[
            IDENTIFIER,
            PATIENT,
            SUBJECT,
            PATIENT_IDENTIFIER,
            SUBJECT_IDENTIFIER,
            CODE,
            CATEGORY,
            STATUS,
            parameter("date", Kind::Date(&["effectiveDateTime", "effectivePeriod", "issued"])),
        ],
    },
    Definition {
        name: "Observation",
        subject: Subject::Element,
        rules: &[
            Rule::Required("status"),
            Rule::Required("code"),
            Rule::Code(
                "status",
                &[
                    "registered",
                    "preliminary",
                    "final",
                    "amended",
                    "corrected",
                    "cancelled",
                    "entered-in-error",
                    "unknown",
                ],
            ),
        ],
        parameters: &[
            IDENTIFIER,
            PATIENT,
            SUBJECT,
            PATIENT_IDENTIFIER,
            SUBJECT_IDENTIFIER,
            CODE,
            CATEGORY,
            STATUS,
            parameter("value-concept", Kind::Token(&["valueCodeableConcept"])),
            parameter("date", Kind::Date(&["effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued"])),
        ],
    },
    Definition {
        name: "DocumentReference",
        subject: Subject::Element,
        rules: &[
            Rule::Required("status"),
            Rule::Required("content"),
            Rule::Code("status", &["current", "superseded", "entered-in-error"]),
        ],
        parameters: &[
            IDENTIFIER,
            PATIENT,
            SUBJECT,
            PATIENT_IDENTIFIER,
            SUBJECT_IDENTIFIER,
            parameter("type", Kind::Token(&["type"])),
            CATEGORY,
            STATUS,
            parameter("date", Kind::Date(&["date"])),
        ],
    },
    Definition {
        name: "Consent",
        subject: Subject::Patient,
        rules: &[
            Rule::Required("status"),
            Rule::Required("scope"),
            Rule::Required("category"),
            Rule::Code("status", &["draft", "proposed", "active", "rejected", "inactive", "entered-in-error"]),
        ],
        parameters: &[
            IDENTIFIER,
            PATIENT,
            PATIENT_IDENTIFIER,
            CATEGORY,
            STATUS,
            parameter("scope", Kind::Token(&["scope"])),
            parameter("date", Kind::Date(&["dateTime"])),
        ],
    },
    Definition { name: "Binary", subject: Subject::Security, rules: &[Rule::Required("contentType")], parameters: &[] },
];

impl Definition {
    /// The definition of a type that is kept.
    pub fn of(resource_type: &str) -> Option<&'static Self> {
        DEFINITIONS.iter().find(|definition| definition.name == resource_type)
    }

    /// A search parameter by its name. `subject:identifier` asks the same as `subject.identifier`.
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        let name = name.replace(":identifier", ".identifier");
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_but_binary_is_found_by_identifier_and_every_result_by_its_patient() {
        for definition in DEFINITIONS.iter().filter(|d| d.name != "Binary") {
            assert!(definition.parameter("identifier").is_some(), "{}", definition.name);
            if definition.subject == Subject::Element {
                for parameter in [PATIENT, SUBJECT, PATIENT_IDENTIFIER, SUBJECT_IDENTIFIER] {
                    assert!(definition.parameter(parameter.name).is_some(), "{} {}", definition.name, parameter.name);
                }
                assert!(definition.parameter("subject:identifier").is_some());
            }
        }
        assert!(Definition::of("Practitioner").is_none());
    }
}
