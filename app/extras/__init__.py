"""Features that a first linkage never meets; `app.features` lists them, and nothing else imports them."""
