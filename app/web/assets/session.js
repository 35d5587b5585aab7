// Signing in and out. The one-time code stands in the address after "#", which no server and no log sees.

const state = document.querySelector("[data-sign-in]");
const signOut = document.querySelector("[data-sign-out]");
const linkSignOn = document.querySelector("[data-link-sign-on]");

async function signIn(code) {
  // Out of the address, and so out of the browser's history.
  history.replaceState(null, "", location.pathname);
  state.textContent = "Signing in …";
  const answer = await fetch("/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ code }),
  }).catch(() => null);
  const words = {
    401: "This link has expired or was used already; ask for a new one.",
    422: "This link is not whole; copy all of it, or ask for a new one.",
    429: "Too many attempts; wait a minute, then ask for a new link.",
  };
  if (answer?.ok) {
    location.replace("/projects");
  } else {
    state.textContent = words[answer?.status] ?? "The broker does not answer; ask for a new link and try again.";
  }
}

async function endSession() {
  const headers = { "X-CSRF-Token": signOut.dataset.signOut };
  const answer = await fetch("/session", { method: "DELETE", headers }).catch(() => null);
  // Where the answer is 401, the session had ended before.
  if (answer?.ok || answer?.status === 401) {
    // Whoever signed on elsewhere signs out there, too.
    location.replace(answer.headers.get("location") ?? "/sign-in");
  } else {
    signOut.textContent = "You are still signed in; try again";
  }
}

async function beginLink(code, said) {
  linkSignOn.disabled = true;
  const answer = await fetch("/sign-on/link", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ code }),
  }).catch(() => null);
  if (answer?.ok) {
    location.replace((await answer.json()).location);
  } else {
    said.textContent = answer?.status === 401 || answer?.status === 422
      ? "This link has expired, was used already, or is not whole; make a new one."
      : "The sign-on does not answer; make a new link and try again.";
  }
}

if (state !== null && location.hash.length > 1) {
  signIn(location.hash.slice(1));
}
// A page that brings itself up to date stops at the first refusal, and shows it: the session may have ended.
document.addEventListener("htmx:responseError", () => location.reload());
if (linkSignOn !== null) {
  const code = location.hash.slice(1);
  // Out of the address, and so out of the browser's history.
  history.replaceState(null, "", location.pathname);
  linkSignOn.addEventListener("click", () => beginLink(code, document.getElementById("link-state")));
}
if (signOut !== null) {
  signOut.addEventListener("click", endSession);
}
