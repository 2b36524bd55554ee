//! Every limit in one place: name, value, and the reason for the value.

/// Depth of nested sequences in a data set. Real SR and RT objects stay below 20.
pub const DATASET_DEPTH_MAX: usize = 64;
/// Elements of one data set. The largest enhanced multi-frame headers seen in the field hold some 300,000.
pub const DATASET_ELEMENTS_MAX: usize = 1_000_000;
/// A value up to this many bytes is kept in the metadata; a longer one becomes BulkData (PS3.18 F.2.2). Long text fits.
pub const INLINE_VALUE_BYTES_MAX: usize = 8 * 1024;
/// All metadata of one instance. Beyond it, longer values become BulkData first, then the instance is refused.
pub const METADATA_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of a data set that may come before the patient is known. Groups 0008 to 0010 hold identification only; private
/// groups 0009 of old scanners reach some hundred kB.
pub const PREAMBLE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Inflated bytes of one deflated data set.
pub const INFLATED_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Inflated over deflated bytes, once `INFLATE_RATIO_GRACE_BYTES` are out. Real pixel data stays below 100.
pub const INFLATE_RATIO_MAX: u64 = 200;
/// Inflated bytes before the ratio is looked at: short headers compress without bound.
pub const INFLATE_RATIO_GRACE_BYTES: u64 = 1024 * 1024;
/// PDU length that Segel announces and accepts (PS3.8 D.1).
pub const PDU_BYTES_MAX: u32 = 128 * 1024;
/// An A-ASSOCIATE-RQ: 128 presentation contexts of 40 transfer syntaxes fit twice.
pub const ASSOCIATE_BYTES_MAX: u32 = 512 * 1024;
/// A command set (PS3.7): identification and a few numbers.
pub const COMMAND_BYTES_MAX: usize = 16 * 1024;
/// The identifier of a C-FIND request.
pub const QUERY_BYTES_MAX: usize = 256 * 1024;
/// Presentation contexts of one association: odd numbers of one byte (PS3.8 9.3.2.2).
pub const PRESENTATION_CONTEXTS_MAX: usize = 128;
/// Transfer syntaxes of one presentation context: PS3.6 lists some 60.
pub const TRANSFER_SYNTAXES_MAX: usize = 128;
/// Associations at once: each may hold a PDU and an instance's unsealed tail, some hundred kB.
pub const ASSOCIATIONS_MAX: usize = 256;
/// Associations of one peer at once: modalities use one, forwarders some ten.
pub const ASSOCIATIONS_PER_PEER_MAX: usize = 32;
/// ARTIM (PS3.8 9.1.5): how long a peer may take to ask for an association, and to close the connection after it ended.
pub const ARTIM_MS_MAX: u64 = 30_000;
/// Silence on an established association. Modalities pause between the images of a study, rarely for minutes.
pub const ASSOCIATION_IDLE_MS_MAX: u64 = 300_000;
/// From the first byte of a PDU to its last: 128 KiB in a minute is a slower line than any hospital has.
pub const PDU_PROGRESS_MS_MAX: u64 = 60_000;
/// An operation that neither sends nor receives anything: a search of the whole archive takes seconds, a modality that
/// writes to a slow disk may take half a minute to answer a sub-operation.
pub const OPERATION_PROGRESS_MS_MAX: u64 = 120_000;
/// How long connecting to a DIMSE peer may take, TLS included.
pub const PEER_CONNECT_MS_MAX: u64 = 10_000;
/// How long an association that is under way may go on after the archive was told to stop.
pub const DRAIN_MS_MAX: u64 = 10_000;
/// Instances of one request for storage commitment. Modalities ask for a study at a time; the largest hold some 20,000.
pub const COMMITMENT_REFERENCES_MAX: usize = 50_000;
/// The data set of one request for storage commitment: two UIDs of 64 characters and their headers for each instance.
pub const COMMITMENT_BYTES_MAX: usize = 12 * 1024 * 1024;
/// Reports of storage commitment that one peer has not taken yet. A peer that takes none is refused further requests.
pub const COMMITMENT_REPORTS_MAX: usize = 256;
/// How long a report of storage commitment is tried: a modality that was switched off for a long weekend comes back to it.
pub const COMMITMENT_REPORT_SECONDS_MAX: u64 = 4 * 24 * 3600;
/// Studies that one pull takes in: each costs some 200 bytes until the end.
pub const PULL_STUDIES_MAX: usize = 1_000_000;
/// Headers of one part of a multipart body.
pub const PART_HEADER_BYTES_MAX: usize = 16 * 1024;
/// A boundary (RFC 2046 5.1.1).
pub const BOUNDARY_BYTES_MAX: usize = 70;
/// A boundary of a peer: Orthanc's has 73 bytes, three more than RFC 2046 allows.
pub const PEER_BOUNDARY_BYTES_MAX: usize = 256;
/// Instances of one store request.
pub const PARTS_MAX: usize = 100_000;
/// Metadata and bulk data of one store request that sends them apart, which are held until the last has come: a CT series.
pub const STORE_BY_METADATA_BYTES_MAX: usize = 128 * 1024 * 1024;
/// A FHIR resource or bundle. A letter or photo of 25 MB fits as base64.
pub const RESOURCE_BYTES_MAX: usize = 40 * 1024 * 1024;
/// Depth of a FHIR resource.
pub const JSON_DEPTH_MAX: usize = 64;
/// Values in a FHIR resource or bundle.
pub const JSON_VALUES_MAX: usize = 1_000_000;
/// Entries of a bundle.
pub const BUNDLE_ENTRIES_MAX: usize = 1_000;
/// One message of the key service.
pub const MESSAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Items of one message of the key service.
pub const MESSAGE_ITEMS_MAX: usize = 4_096;
/// Tokens that may stand for one search term: the cells of every word that begins so. A term of more tells too little to
/// narrow anything.
pub const TERM_TOKENS_MAX: usize = 16_384;
/// Summaries that one search may open to tell candidates apart; a broader question is refused with advice.
pub const SEARCH_OPENED_MAX: usize = 5_000;
/// Answers of one DICOMweb search when the client names no limit, and at most.
pub const SEARCH_RESULTS_MAX: usize = 1_000;
/// Calls of one archive node that wait for the key service at once; more would only wait longer.
pub const KEY_CALLS_IN_FLIGHT_MAX: usize = 256;
/// How long a call to the key service may take before the caller is told to come back.
pub const KEY_CALL_MS_MAX: u64 = 10_000;
/// How long connecting to the key service may take: a caller whose key service is away learns so within a second.
pub const KEY_CONNECT_MS_MAX: u64 = 500;
/// Search terms of one object. A name of 20 words has some 200.
pub const TERMS_MAX: usize = 512;
/// Identifiers of one patient that one object may name; OtherPatientIDsSequence seldom holds three.
pub const IDENTIFIERS_MAX: usize = 32;
/// Instances that one retrieve may name, at most: the largest studies seen hold some 20,000.
pub const LOCATED_MAX: usize = 50_000;
/// A passphrase.
pub const PASSPHRASE_BYTES_MAX: usize = 1_024;
/// Argon2id memory that a root key file must ask for at least: what RFC 9106 section 4 recommends where memory is scarce.
pub const PASSPHRASE_MEMORY_KIB_MIN: u32 = 64 * 1024;
/// Argon2id memory that a root key file may ask for, so that a hostile one cannot exhaust the machine.
pub const PASSPHRASE_MEMORY_KIB_MAX: u32 = 256 * 1024;
/// Argon2id passes at least (RFC 9106 section 4).
pub const PASSPHRASE_PASSES_MIN: u32 = 3;
/// Argon2id passes at most: a few seconds.
pub const PASSPHRASE_PASSES_MAX: u32 = 10;
/// Argon2id lanes at most.
pub const PASSPHRASE_LANES_MAX: u32 = 16;
/// A segment takes no further group beyond this size: large enough that files stay few, small enough to copy and check one at a time.
pub const SEGMENT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Sealed bytes of one frame that wait in memory and share the group's write; a larger one streams into its own file.
pub const DRAFT_MEMORY_BYTES_MAX: usize = 1024 * 1024;
/// Sealed bytes of all frames that wait in memory: 256 senders of one such frame each.
pub const DRAFTS_MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Sealed bytes of one frame: whole-slide images reach some GB.
pub const FRAME_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;
/// The CBOR record of one frame: a bundle of the most entries with the most terms each stays below.
pub const FRAME_RECORD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Objects of one frame: a bundle's entries.
pub const FRAME_OBJECTS_MAX: usize = BUNDLE_ENTRIES_MAX;
/// Frames that wait for the committer; each group takes some 10 ms, so a longer queue would only hide that the disk is too slow.
pub const COMMIT_QUEUE_FRAMES_MAX: usize = 512;
/// Frames of one group, and how many bytes of them: one write and one durable flush must end within a second on a slow disk.
pub const GROUP_FRAMES_MAX: usize = 256;
/// Durable frames that the index has not taken yet; beyond, senders wait for it. At 1,000 frames a second it is 4 s.
pub const INDEX_BEHIND_FRAMES_MAX: usize = 4_096;
/// Bytes that stay free on the archive's disk: room for the index to take what was acknowledged, and for its log.
pub const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// See `GROUP_FRAMES_MAX`.
pub const GROUP_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of one read of a sealed part: the largest metadata sealed and padded fits; content is read by ranges.
pub const PART_READ_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Segment files held open for reading.
pub const SEGMENT_HANDLES_MAX: usize = 256;
/// Connections that read the index at once: beyond the number of cores they only wait for each other.
pub const INDEX_READERS_MAX: usize = 8;
/// Values of one kind in one index filter (UIDs, modalities, tokens of one group).
pub const FILTER_VALUES_MAX: usize = 1_024;
/// Terms of one item of an admission, and of all items of one message: 24 a resource of a full bundle, and some spare.
/// A token is longer than the shortest term, so this also bounds the answer.
pub const MESSAGE_TERMS_MAX: usize = 131_072;
/// Identifiers of one admitted object. Other Patient IDs Sequences (0010,1002) of the field hold fewer than ten.
pub const ITEM_IDENTIFIERS_MAX: usize = 32;
/// Bytes of one identifier's issuer or number, and of one term. LO values have 64 characters (PS3.5 6.2).
pub const IDENTIFIER_BYTES_MAX: usize = 512;
/// Bytes of the short words of a message: the channel, the kind of an object.
pub const LABEL_BYTES_MAX: usize = 64;
/// Openings that the books of a day hold, over all whose budgets they count in: some 30 bytes each, 120 MB of the key
/// service's 256. Without budgets, a day of 800,000 patients; with the default ones it is not reached.
pub const METERED_OPENINGS_MAX: usize = 4_000_000;
/// Isolations of what a feed wrote. Each admission and each object is held against those in force: a handful of incidents in an
/// archive's life, with room for one for each feed of a large hospital group.
pub const ISOLATIONS_MAX: usize = 1_024;
/// Bytes of a reason or a name that a person typed.
pub const REASON_BYTES_MAX: usize = 1_024;
/// Bytes of a bearer token. Those that the key service signs have some 300.
pub const BEARER_BYTES_MAX: usize = 2_048;
/// Seconds that a bearer token may be valid: 90 days.
pub const BEARER_SECONDS_MAX: u32 = 90 * 24 * 3_600;
/// Pseudonyms known as one person. More than a handful means that one national number stands for many people.
pub const LINKED_PATIENTS_MAX: usize = 64;
/// Requests that the key service decides and commits together. At 10 ms a commit that is 25,000 a second.
pub const REQUEST_GROUP_MAX: usize = 256;
/// Requests that wait for a group: four full ones, some 40 ms. Beyond, the caller hears Busy at once.
pub const REQUEST_QUEUE_MAX: usize = 1_024;
/// Requests of one connection that are not answered yet; a node that asks more waits in its own queue.
pub const CONNECTION_REQUESTS_MAX: usize = 256;
/// Connections to each socket of the key service.
pub const CONNECTIONS_MAX: usize = 64;
/// Bytes of all messages that the key service has read and not answered yet: eight of the largest.
pub const MESSAGES_IN_FLIGHT_BYTES_MAX: usize = 8 * MESSAGE_BYTES_MAX;
/// Seconds from the first byte of a message to its last, and for its answer to be taken.
pub const MESSAGE_SECONDS_MAX: u64 = 10;
/// Failed proofs of identity that are written to the ledger in one minute; the rest is counted. At some 400 bytes each a
/// flood of a whole day adds 17 MB.
pub const FAILED_PROOFS_LOGGED_PER_MINUTE: u32 = 30;
/// Milliseconds between the beginnings of two checkpoints. Writing one takes some 50 ms of a disk, so that an entry is under a
/// signed checkpoint within 300 ms at most loads; the promise to outsiders is 5 s.
pub const CHECKPOINT_MILLIS: u64 = 150;
/// Findings that one scrub lists; beyond, they are counted only.
pub const SCRUB_FINDINGS_MAX: usize = 10_000;
/// How long a second send of an instance waits for the first to end; a sender stalled for longer has failed.
pub const SAME_INSTANCE_WAIT_MS_MAX: u64 = 30_000;
/// The summary of one instance. Beyond it sequences and long text are left out: they stay in the metadata.
pub const SUMMARY_BYTES_MAX: usize = 16 * 1024;
/// Kept versions of an instance that arriving bytes are compared with, newest first: each costs a call of the key service.
pub const VERSIONS_COMPARED_MAX: usize = 16;
/// Bytes of one decoded frame: 16,384 x 16,384 of one byte, or a 64-megapixel colour photograph.
pub const DECODED_FRAME_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How long the archive remembers who an asker is without asking the key service again: between the steps of one request.
/// Opening anything shows the proof again, so a person who was removed can do nothing meanwhile.
pub const ASKER_REMEMBERED_MS_MAX: u64 = 2_000;
/// Askers remembered at once: every workstation of a large hospital group.
pub const ASKERS_REMEMBERED_MAX: usize = 4_096;
/// How long a released content key may serve the same asker for the same object: one reader's look at one image.
pub const LEASE_MS_MAX: u64 = 60_000;
/// Patients whose content keys may be in the archive's memory for repeated requests: what a copy of its memory yields.
pub const LEASED_PATIENTS_MAX: usize = 256;
/// Content keys at hand at once: 64 CT studies of 1,000 slices, some 8 MB.
pub const LEASED_KEYS_MAX: usize = 65_536;
/// Things that an incident lists of what its actor did: a day of the largest budget, and what was refused.
pub const INCIDENT_FACTS_MAX: usize = 10_000;
/// Objects of one canary: a CT study fits, and a patient with more is nobody's likeness.
pub const CANARY_OBJECTS_MAX: usize = 512;
/// Bytes of one canary's contents: as much as is drawn and stored without anybody noticing the work.
pub const CANARY_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Canaries of one key service: one in a hundred of six million patients.
pub const CANARIES_MAX: usize = 60_000;
/// Messages about alarms that are on their way at once.
pub const DELIVERIES_AT_ONCE_MAX: usize = 16;
/// How long one delivery may take: a mail server that checks whom it talks to takes some seconds.
pub const DELIVERY_MS_MAX: u64 = 20_000;
/// Attempts at one delivery before it is given up and shown as such: four hours of a server that is away.
pub const DELIVERY_ATTEMPTS_MAX: u32 = 24;
/// Messages that were given up and are kept to be seen.
pub const OUTBOX_DEAD_MAX: usize = 1_000;
/// Bearer tokens whose signature the key service remembers having checked: 2 MB at their longest.
pub const BEARERS_REMEMBERED_MAX: usize = 1_024;
/// Address space of one pixel worker: what every decoder takes for the largest frame that it is given (see `JPEG_2000_SAMPLES_MAX`,
/// `JPEG_XL_SAMPLES_MAX`; the others stay below 5 bytes a sample), and the program.
pub const PIXEL_WORKER_MEMORY_BYTES_MAX: u64 = 1536 * 1024 * 1024;
/// Pixel workers: beyond the number of cores they only wait for each other, and few machines have more cores to spare for it.
pub const PIXEL_WORKERS_MAX: usize = 4;
/// Samples of one JPEG 2000 frame: its decoder takes some 9 bytes of address space a sample, so that this many fit a worker.
pub const JPEG_2000_SAMPLES_MAX: u64 = 128 * 1024 * 1024;
/// Samples of one JPEG XL frame: its decoder works in floating point and takes up to 19 bytes of address space a sample.
pub const JPEG_XL_SAMPLES_MAX: u64 = 64 * 1024 * 1024;
/// How long one frame may take. The largest takes some 10 s; a stream that keeps a decoder busy for longer does nothing else.
pub const PIXEL_JOB_MS_MAX: u64 = 30_000;
/// Processor time of one worker in its life, after which the kernel ends it; the archive replaces it at half of that.
pub const PIXEL_WORKER_CPU_SECONDS_MAX: u64 = 3_600;
/// How long a worker waits for another frame before it is ended: it gives back some MB, and starts again in milliseconds.
pub const PIXEL_WORKER_IDLE_MS_MAX: u64 = 15_000;
/// Workers started in a minute in place of those that died on a frame. Each costs some 10 ms; a flood of frames that kill
/// decoders must not become a flood of processes.
pub const PIXEL_REPLACEMENTS_PER_MINUTE: u32 = 120;
/// Requests that wait for their turn to decode; more would wait longer than a person does.
pub const PIXEL_WAITING_MAX: usize = 256;
/// How long a request waits for its turn before it is told to come back.
pub const PIXEL_TURN_MS_MAX: u64 = 30_000;
/// Bytes of all frames under way to and from the workers, kept and decoded: two of the largest.
pub const PIXELS_IN_FLIGHT_BYTES_MAX: u64 = 4 * DECODED_FRAME_BYTES_MAX;
/// The description of a job, or of its result: look-up tables of 65,536 entries fit four times.
pub const PIXEL_HEADER_BYTES_MAX: usize = 1024 * 1024;
/// Scheduled steps that one worklist query may answer: a station has tens a day, a department some hundred.
pub const WORKLIST_ITEMS_MAX: usize = 500;
/// The data set of one UPS workitem as DICOM JSON: parameters and references, never images.
pub const WORKITEM_BYTES_MAX: usize = 1024 * 1024;
/// What a list shows of one workitem: a whole list of them is opened at once.
pub const WORKITEM_SUMMARY_BYTES_MAX: usize = 32 * 1024;
/// Files of one set of policies: the shipped set has five.
pub const POLICY_FILES_MAX: usize = 32;
/// Bytes of all files of one set of policies: the shipped set has some 13,000.
pub const POLICY_TEXT_BYTES_MAX: usize = 256 * 1024;
/// Rules of one set of policies: each is looked at once for every new question.
pub const POLICIES_MAX: usize = 256;
/// Bytes of the name of a file of policies, without its ending.
pub const POLICY_NAME_BYTES_MAX: usize = 32;
/// Decisions remembered at once: a facility asks some hundred different questions in a day. Each takes some 150 bytes.
pub const DECISIONS_REMEMBERED_MAX: usize = 16_384;
/// How long a door remembers that a proof was used: longer than the key service accepts one, with its clock a little off.
pub const PROOF_REMEMBERED_SECONDS_MAX: u64 = 300;
/// Proofs that a door remembers of one such span: 800 requests a second. Two spans take some 24 MB at the most.
pub const PROOFS_REMEMBERED_MAX: usize = 262_144;
/// Bytes of one sign-in request: an attestation and a client assertion have some 2 kB.
pub const SIGN_IN_BYTES_MAX: usize = 64 * 1024;
/// How long one sign-in request may take, an outside provider's answer included.
pub const SIGN_IN_MS_MAX: u64 = 20_000;
/// Sign-in requests of one address in a minute: a hospital of 2,000 workstations behind one address, which renew every ten
/// minutes, and its morning's sign-ins at four requests each.
pub const SIGN_INS_PER_MINUTE_MAX: u32 = 600;
/// Sign-in requests of one address that failed, in a minute, after which no further one begins: people mistype no passkey.
pub const SIGN_INS_FAILED_PER_MINUTE_MAX: u32 = 60;
/// Addresses whose sign-ins are counted at once. Each takes some 50 bytes.
pub const SIGN_IN_ADDRESSES_MAX: usize = 16_384;
/// Visits to an outside provider that are under way. Each takes some 300 bytes, and ten minutes at the most.
pub const PROVIDER_VISITS_MAX: usize = 4_096;
/// Bytes of one answer of an outside provider: metadata and tokens have some 10 kB.
pub const PROVIDER_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Bytes of one DPoP proof (RFC 9449 4.2): with a P-256 key and the longest URI that a door takes.
pub const DPOP_BYTES_MAX: usize = 12 * 1024;
/// How old a DPoP proof may be: a request's way through proxies, and a workstation whose clock is behind.
pub const DPOP_AGE_SECONDS_MAX: i64 = 60;
/// How far ahead a DPoP proof may be dated: a workstation whose clock is ahead.
pub const DPOP_AHEAD_SECONDS_MAX: i64 = 15;
/// How long after it was first shown a DPoP proof may be shown again, by the same node and for the same method and URI: one HTTP
/// request takes several calls of the key service.
pub const DPOP_REQUEST_SECONDS_MAX: i64 = 30;
/// How long a request that sends something may go on under its DPoP proof, which its node shows at least every
/// `DPOP_REQUEST_SECONDS_MAX`: a study of 2 GB over 5 Mbit/s takes 54 minutes. It takes in and opens no content by then.
pub const DPOP_GOES_ON_SECONDS_MAX: i64 = 3_600;
/// Different patients whose contents are released under one DPoP proof: a page of a FHIR search. One click is not a hundred
/// patients, whoever holds the node that carries it.
pub const PATIENTS_PER_PROOF_MAX: usize = 50;
/// Identities that one DPoP proof vouches for in a list: two pages of 50. What a search shows beyond them counts for the node that carries it.
pub const SUMMARIES_PER_CLICK_MAX: u32 = 100;
/// Records' addresses that askers have named in a day: 1,000 readers of 200 studies, and as many proofs of searches in 20 minutes. Some 60 bytes
/// each, 16 MB of each kind. What is beyond counts for the node that carries it.
pub const CLICKS_REMEMBERED_MAX: usize = 262_144;
/// DPoP proofs remembered until they are too old to be shown: 75 s of 1,700 a second, some 25 MB. Beyond, they are refused.
pub const DPOP_PROOFS_REMEMBERED_MAX: usize = 131_072;
/// Of these, those of one key: a viewer that fetches a study of 2,000 images, twice over. No single device fills the memory.
pub const DPOP_PROOFS_PER_KEY_MAX: usize = 4_096;
/// Bytes of an ID token or client assertion.
pub const ASSERTION_BYTES_MAX: usize = 16 * 1024;
/// Bytes of client data, authenticator data or an attestation object (WebAuthn): a passkey's id has at most 1,023.
pub const PASSKEY_BYTES_MAX: usize = 16 * 1024;
/// How long a challenge for a passkey or a device may be answered: a person looks for the key first.
pub const CHALLENGE_SECONDS_MAX: i64 = 300;
/// How long a nonce for an outside issuer may be answered: a person signs in there first, with a second factor.
pub const NONCE_SECONDS_MAX: i64 = 600;
/// How long a client assertion may be valid (SMART Backend Services), and the token that it brings.
pub const CLIENT_SECONDS_MAX: i64 = 300;
/// How long a token that is bound to a person's key is valid: what an administrator changes is looked up at every request anyway.
pub const BOUND_SECONDS_MAX: u32 = 900;
/// How long a session may be renewed: one shift.
pub const SESSION_SECONDS_MAX: i64 = 12 * 3_600;
/// How long after its last token a session may be renewed: a workstation that slept over lunch.
pub const SESSION_IDLE_SECONDS_MAX: i64 = 3_600;
/// Sessions of one person at once; the oldest ends when there is one more.
pub const SESSIONS_PER_PERSON_MAX: usize = 8;
/// Passkeys and devices' keys of one person.
pub const KEYS_PER_PERSON_MAX: usize = 16;
/// Keys of a system's JWK Set.
pub const KEYS_PER_SYSTEM_MAX: usize = 8;
/// How long an invitation may be good: somebody who begins next week.
pub const INVITATION_SECONDS_MAX: u32 = 7 * 24 * 3_600;
/// Seconds that a referral or consent may last: a year. Whoever needs longer says so again.
pub const RELATION_SECONDS_MAX: u64 = 366 * 24 * 3_600;
/// Referrals and consents that one actor begins in a day: the desk of a large hospital writes some 40.
pub const RELATIONS_PER_ACTOR_DAY: usize = 100;
/// Referrals and consents of one patient at a time: so many facilities see few patients.
pub const RELATIONS_PER_PATIENT_MAX: usize = 32;
/// People who approve what takes two: a hospital group's officers and their deputies.
pub const APPROVERS_MAX: usize = 64;
/// Bytes of one proposal: settings of a large archive with their comments, and nothing that nobody would read.
pub const PROPOSAL_BYTES_MAX: usize = 64 * 1024;
/// Proposals that one list shows, the newest first.
pub const PROPOSALS_LISTED_MAX: usize = 200;
/// Patients of an export that its runner may take by its own rights; beyond, two people approve. As many as a referral needs.
pub const EXPORT_ALONE_PATIENTS_MAX: u32 = 10;
/// Patients of one export: beyond, it is no export but a copy of the archive.
pub const EXPORT_PATIENTS_MAX: u32 = 100_000;
/// Patients that an export may name one by one.
pub const EXPORT_NAMED_MAX: usize = 256;
/// Files whose bytes an export holds against each other before any of them leaves.
pub const EXPORT_BATCH_FILES_MAX: usize = 256;
/// Entries of one patient's access report, the newest first: they fit one message.
pub const REPORT_ENTRIES_MAX: usize = 20_000;
/// Requests that one witness keeps as evidence against its logs: two checkpoints prove a split, and a flood of them must not
/// fill the disk that cosignatures need.
pub const WITNESS_EVIDENCE_MAX: usize = 64;
/// Seconds in which a witness must have been sent a whole request of some 70 kB.
pub const WITNESS_REQUEST_SECONDS_MAX: u64 = 10;
/// Witnesses of one ledger: a quorum of ten is more than any authority asks for.
pub const WITNESSES_MAX: usize = 16;
/// How long a witness may take: its disk takes some 10 ms, a line around the world some 300.
pub const WITNESS_MS_MAX: u64 = 5_000;
/// Between two checkpoints that witnesses are shown: each costs a durable write there.
pub const WITNESS_ROUND_MS: u64 = 2_000;
/// The longest rest before a witness that fails is asked again.
pub const WITNESS_PAUSE_MS_MAX: u64 = 300_000;
/// A ledger that does not grow is cosigned again after an hour, so that readers know that nothing was withheld.
pub const WITNESS_REFRESH_SECONDS: u64 = 3_600;
