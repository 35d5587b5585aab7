"""Single sign-on for the pages by OpenID Connect: one provider, the authorization code flow with PKCE."""
