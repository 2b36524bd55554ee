// Signing out of a session that is this browser's own: the tokens are given back and the key is forgotten.
"use strict";
(() => {
  const form = document.getElementById("signout");
  if (!form || !self.indexedDB || !self.isSecureContext) return;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const session = await self.segelIdentity.held();
      if (session) {
        await self.segelIdentity.forget();
        await self.segelIdentity.ask(session, "/auth/signout");
      }
    } catch {
      // What could not be given back ends by itself, and without the key that is forgotten it opens nothing.
    }
    form.submit();
  });
})();
