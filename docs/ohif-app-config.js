// Configuration of the OHIF viewer (3.12) for Segel: put it in place of the `app-config.js` beside its `index.html`.
// Segel must name the origin of the viewer's pages: `[http] cors_origins = ["https://viewer.example.id"]`.
const archive = "https://arsip.example.id/dicom-web";

// Each reader's own token goes with every request as a header, never in an address, which logs and histories would keep.
// This file is given to everybody and holds none: the tab asks for it, keeps it, and asks again when it is over.
const HELD = "segel-token";
let declined = false;

function lasts(token) {
  try {
    const claims = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(claims)).exp * 1000 > Date.now();
  } catch {
    return false;
  }
}

function authorization() {
  let token = sessionStorage.getItem(HELD) ?? "";
  if (!declined && !lasts(token)) {
    token = (prompt("Token Segel / Segel token") ?? "").trim();
    declined = token === "";
    sessionStorage.setItem(HELD, token);
  }
  return token === "" ? {} : { Authorization: `Bearer ${token}` };
}

const signedIn = {
  id: "segel.token",
  preRegistration({ servicesManager }) {
    servicesManager.services.userAuthenticationService.setServiceImplementation({ getAuthorizationHeader: authorization });
  },
};

window.config = {
  name: "segel",
  routerBasename: null,
  extensions: [signedIn],
  modes: [],
  customizationService: {},
  showStudyList: true,
  showWarningMessageForCrossOrigin: false,
  maxNumberOfWebWorkers: 3,
  // As many at once as a browser opens connections; more would only wait in line.
  maxNumRequests: { interaction: 6, thumbnail: 6, prefetch: 6 },
  defaultDataSourceName: "segel",
  dataSources: [
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
      sourceName: "segel",
      configuration: {
        friendlyName: "Segel",
        name: "segel",
        qidoRoot: archive,
        wadoRoot: archive,
        wadoUriRoot: archive,
        imageRendering: "wadors",
        thumbnailRendering: "wadors",
        enableStudyLazyLoad: true,
        qidoSupportsIncludeField: true,
        // Names are found by their beginnings and their sound. Without stars around what a reader types, a search opens the
        // records that it finds and not those that it passes; whoever wants stars types them.
        supportsFuzzyMatching: true,
        supportsWildcard: false,
        supportsReject: false,
        dicomUploadEnabled: true,
        bulkDataURI: { enabled: true },
      },
    },
  ],
  // A token that was refused is asked for again.
  httpErrorHandler: ({ status }) => {
    if (status === 401) sessionStorage.removeItem(HELD);
  },
};
