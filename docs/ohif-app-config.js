// Configuration of the OHIF viewer (3.12) for Segel: put it in place of the `app-config.js` beside its `index.html`.
// Segel must name the origin of the viewer's pages: `[http] cors_origins = ["https://viewer.example.id"]`.
const archive = "https://arsip.example.id/dicom-web";

// Each reader's own token goes with every request as a header, never in an address, which logs and histories would keep.
// It stays in the tab and is asked for once: this file is given to everybody and holds no token.
const token = {
  id: "segel.token",
  preRegistration({ servicesManager }) {
    const held = sessionStorage.getItem("segel-token") ?? prompt("Token Segel / Segel token") ?? "";
    sessionStorage.setItem("segel-token", held.trim());
    servicesManager.services.userAuthenticationService.setServiceImplementation({
      getAuthorizationHeader: () => ({ Authorization: `Bearer ${sessionStorage.getItem("segel-token")}` }),
    });
  },
};

window.config = {
  name: "segel",
  routerBasename: null,
  extensions: [token],
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
        supportsFuzzyMatching: true,
        supportsWildcard: true,
        supportsReject: false,
        dicomUploadEnabled: true,
        bulkDataURI: { enabled: true },
      },
    },
  ],
  // A token that is refused or over is asked for again.
  httpErrorHandler: ({ status }) => {
    if (status === 401) sessionStorage.removeItem("segel-token");
  },
};
