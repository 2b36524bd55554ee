//! What is to be done: orders as a modality's worklist (PS3.4 Annex K), and the model that both worklist doors share.
//!
//! An order comes as a FHIR ServiceRequest. Beside it, in the same durable write, an item is kept: the data set that a
//! modality will be answered, sealed as the summary of a resource of the type [`ITEM`] with the order's id. A query opens the
//! items that its station and days name, and no order.
//!
//! An order is on the list while its status is `active`, its intent is an order's, it is about imaging (category
//! SNOMED 363679005 or `RAD`, or a modality in `orderDetail`) and `occurrence[x]` says when. Its item leaves the list with the version
//! of the order that says otherwise; images that arrive change nothing, because only the department knows when a step is done.
//!
//! | attribute | from the order |
//! |---|---|
//! | ScheduledStationAETitle (0040,0001) | codings and identifiers of a system that ends in `ae-title` (`http://sys-ids.kemkes.go.id/ae-title`): code, value or display, in `orderDetail`, `performer.identifier`, `locationCode`. None: the step is offered to every station and bears the title that asks |
//! | ScheduledProcedureStepStartDate, Time (0040,0002), (0040,0003) | `occurrenceDateTime` or `occurrencePeriod.start` as written, in the time of the place |
//! | Modality (0008,0060) | a coding of DICOM's DCM in `orderDetail`, `category` or `code`; else `OT` |
//! | ScheduledPerformingPhysicianName (0040,0006) | the first `performer.display` that is no station |
//! | ScheduledProcedureStepDescription (0040,0007) | words of `code` |
//! | ScheduledProtocolCodeSequence (0040,0008) | codings of `orderDetail` that name neither station nor modality, else of `code` |
//! | ScheduledProcedureStepID (0040,0009) | RequestedProcedureID with `-1`, or 14 digits of the order's id with `-1` |
//! | ScheduledStationName (0040,0010) | display of the station's coding beside its code |
//! | ScheduledProcedureStepLocation (0040,0011) | words of `locationCode`, or `locationReference.display` |
//! | ScheduledProcedureStepStatus (0040,0020) | `SCHEDULED` |
//! | RequestedProcedureID (0040,1001) | the accession number, else 16 digits of the order's id |
//! | RequestedProcedureDescription, CodeSequence (0032,1060), (0032,1064) | `code` |
//! | RequestedProcedurePriority (0040,1003) | `priority`: stat STAT, asap and urgent HIGH, else ROUTINE |
//! | ReasonForTheRequestedProcedure, its codes (0040,1002), (0040,100A) | `reasonCode` |
//! | RequestedProcedureComments (0040,1400) | `patientInstruction`, `note.text` |
//! | StudyInstanceUID (0020,000D) | identifier of system `urn:dicom:uid`; else 2.25 and the order's id, a random UUID, so that each answer and each version names the same study |
//! | AccessionNumber (0008,0050) | identifier of type ACSN or of a system with `acsn` or `accession` in it; longer than 16 characters the order is refused |
//! | PlacerOrderNumber, FillerOrderNumber (0040,2016), (0040,2017) | identifiers of type PLAC and FILL |
//! | ReferringPhysicianName, RequestingPhysician (0008,0090), (0032,1032) | `requester.display` |
//! | AdmissionID (0038,0010) | `encounter.identifier.value` |
//! | PatientName, BirthDate, Sex (0010,0010), (0010,0030), (0010,0040) | the Patient: contained, in the same transaction, kept, or found by the identifier |
//! | PatientID, IssuerOfPatientID (0010,0020), (0010,0021) | the facility's own number first, else another local one, else NIK, IHS, JKN or passport; the others in OtherPatientIDsSequence (0010,1002) |
//! | PatientWeight (0010,1030) | contained Observation LOINC 29463-7 or 3141-9 in kg or g |
//! | PregnancyStatus (0010,21C0) | contained Observation LOINC 82810-3: SNOMED 77386006 is 4, 60001007 is 1 |
//! | Allergies (0010,2110) | contained AllergyIntolerance, words of `code` |

pub mod element;
pub mod item;
pub mod keys;
pub mod order;
pub mod query;

pub use element::Attributes;

/// The resource type of an order's item.
pub const ITEM: &str = "ModalityWorklistItem";
