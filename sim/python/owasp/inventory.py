"""API9: improper inventory management. Doors that nobody remembers: older ones, others' habits, the developers' own."""

import re

from world import attack, status

RISK = "API9:2023 Improper Inventory Management"
UID = "1.2.826.0.1.3680043.10.1561.9998"


def api9(door, tried, naive, answer):
    return attack(RISK, door, tried, naive, answer)


def operations(world):
    described = status(world.doors.get("/openapi.json"), 200).json()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def filled(path):
    return re.sub(r"\{(\w+)\}", lambda found: {"resource_type": "Patient", "frames": "1", "version": "1"}.get(found[1], UID), path)


@api9(
    "all doors",
    "each of sixty addresses of other archives: /dicomweb, /wado-rs, /dcm4chee-arc, /instances, /tools/execute-script, /v1, /api/v2, /fhir/R5",
    "an older or a vendor's own door beside the guarded one",
    "404, or 401 to nobody",
)
def _(world):
    paths = "/dicomweb/studies /wado-rs/studies /qido-rs/studies /stow-rs/studies /dcm4chee-arc/aets /instances /patients /series /tools/execute-script /tools/lookup /modalities /peers /system /changes /exports /jobs /statistics /v1 /v2 /api /api/v1/studies /api/v2/patients /rest /rest/studies /services /soap /ws /hl7 /mllp /fhir/R5 /fhir/r4/Patient /fhir/v2/Patient /fhir-server/api/v4/Patient /r4/Patient /baseR4/Patient /hapi /pacs /viewer /ohif /weasis /osirix /orthanc /old /test /dev /beta /staging /legacy /backup /dicom-web/v1/studies /dicom-web/api/studies /studies".split()
    for path in paths:
        for token in (None, world.token("a_clinician")):
            answer = world.doors.get(path, token)
            # A kind of resource that is none, asked for by nobody.
            is_nobodys = token is None and path.startswith("/fhir/") and answer.status_code == 401
            assert is_nobodys or answer.status_code in (404, 405), (path, answer.status_code)


@api9(
    "all doors",
    "what developers leave: /metrics, /debug/pprof, /actuator, /graphql, /swagger-ui, /console, /server-status, /.git, /.env, backups",
    "doors of frameworks that nobody switched off",
    "404",
)
def _(world):
    paths = "/metrics /prometheus /stats /status /health /ready /debug /debug/pprof /debug/vars /actuator /actuator/env /actuator/heapdump /graphql /graphiql /swagger-ui /swagger.json /openapi.yaml /api-docs /docs /redoc /console /h2-console /server-status /server-info /phpinfo.php /trace /dump /env /info /logs /log.txt /.git/config /.git/HEAD /.env /.htaccess /.DS_Store /segel.toml /keyservice.toml /data /run.json /archive/index.sqlite /keyservice/state.sqlite /root.key /backup.zip /dump.sql /robots.txt /crossdomain.xml /WEB-INF/web.xml /cgi-bin/ /webdav /assets /assets/ /assets/segel.css.map /assets/..%2fsegel.toml /assets/%2e%2e/%2e%2e/Cargo.toml /assets/../../etc/passwd".split()
    for path in paths:
        for token in (None, world.token("a_admin")):
            answer = world.doors.get(path, token)
            assert answer.status_code in (404, 405), (path, answer.status_code)


@api9(
    "all doors",
    "the same doors spelt otherwise: case, a second slash, a slash at the end, `;x`, `.json`, `%2f`, dots",
    "a guard that compares spellings, before a router that does not",
    "404 or 401",
)
def _(world):
    uids = world.victim
    for path in (
        f"/DICOM-WEB/studies/{uids['study']}/metadata",
        f"//dicom-web/studies/{uids['study']}/metadata",
        f"/dicom-web//studies/{uids['study']}/metadata",
        f"/dicom-web/studies/{uids['study']}/metadata/",
        f"/dicom-web/studies/{uids['study']}/metadata;x",
        f"/dicom-web/studies/{uids['study']}/metadata.json",
        f"/dicom-web%2fstudies/{uids['study']}/metadata",
        f"/./dicom-web/studies/{uids['study']}/metadata",
        f"/healthz/../dicom-web/studies/{uids['study']}/metadata",
        f"/assets/..%2f..%2fdicom-web/studies/{uids['study']}/metadata",
        f"/signin/..;/dicom-web/studies/{uids['study']}/metadata",
        f"/FHIR/Patient/{world.resources['Patient']}",
        f"/fhir/patient/{world.resources['Patient']}",
        f"/fhir/Patient/{world.resources['Patient']}/",
        f"/openapi.json/../fhir/Patient/{world.resources['Patient']}",
    ):
        answer = world.doors.get(path)
        assert answer.status_code in (401, 404, 405, 400), (path, answer.status_code)


@api9(
    "doors for programs",
    "every described operation by nobody, and by HEAD where there is GET",
    "a route that was added and not guarded; guards on GET alone",
    "401 for each, but for those that are described as open",
)
def _(world):
    count = 0
    for method, path, operation in operations(world):
        is_open = operation.get("security") == []
        for asked in {method, "HEAD" if method == "GET" else method}:
            answer = world.doors.ask(asked, filled(path), headers={"Content-Type": "application/json"})
            count += 1
            if not is_open:
                assert answer.status_code in (400, 401) and (answer.status_code == 401 or path in ("/auth/renew", "/auth/signout")), (
                    asked,
                    path,
                    answer.status_code,
                )
            assert answer.status_code != 405, f"{asked} {path} is described and not there"
    assert count > 70, count


@api9(
    "doors for programs",
    "every described path by every method that is not described for it",
    "methods that are routed and not described",
    "405",
)
def _(world):
    described = {}
    for method, path, _ in operations(world):
        described.setdefault(path, {"HEAD", "OPTIONS"}).add(method)
    # A path of another row may fit as well: a word is a name there.
    for path, methods in described.items():
        if path == "/dicom-web":
            continue
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"} - methods:
            answer = world.doors.ask(method, filled(path), world.token("a_clinician"))
            assert answer.status_code in (404, 405), (method, path, answer.status_code)


@api9(
    "openapi, health, capabilities",
    "what the open documents tell: versions of parts, paths of files, hosts, people, hospitals",
    "documents that are the attacker's map",
    "nothing but the interface itself",
)
def _(world):
    for path in ("/openapi.json", "/healthz", "/fhir/metadata", "/.well-known/smart-configuration", "/auth/ways", "/signin", "/worker.js"):
        text = status(world.doors.get(path), 200).text
        for word in ("RSUD-A", "RSUD-B", "clinician RSUD", "axum", "rustc", "sqlite", "/tmp", "/home", "debug", "sqlx", "Linux"):
            assert word not in text, (path, word)
    answer = status(world.doors.ask("OPTIONS", "/dicom-web", headers={"Accept": "application/json"}), 200, 303, 406)
    assert "RSUD" not in answer.text
